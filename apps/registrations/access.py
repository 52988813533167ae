from datetime import UTC, datetime

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.registrations import links
from apps.registrations.models import Registration


def by_private_link(token: str) -> Registration:
    """Raises Http404 for a token that is garbled, forged, or older than a change of the address."""
    opened = links.opened_by(token)
    if opened is None:
        raise Http404
    pk, nonce = opened
    return get_object_or_404(Registration.objects.select_related("project", "submitted_by"), pk=pk, nonce=nonce)


def visible_to(user: User) -> QuerySet[Registration]:
    """Every request, for who decides or looks. Raises Http404 for others, as if there were no such page."""
    if not (user.may_approve or user.may_look):
        raise Http404
    return Registration.objects.select_related("project__allocation", "submitted_by")


def for_approver(user: User, pk: int) -> Registration:
    return get_object_or_404(visible_to(user), pk=pk)


def as_seen(user: User, pk: int, version: str) -> Registration:
    """The request as the approver's page showed it, so that a decision on one that has moved since is refused.

    Raises Http404 for who may only look.
    """
    if not user.may_approve:
        raise Http404
    registration = for_approver(user, pk)
    if version and version != registration.version:
        try:
            registration.status_changed_at = datetime.fromisoformat(version).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Http404 from None
    return registration
