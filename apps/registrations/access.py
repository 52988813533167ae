from datetime import UTC, datetime

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.registrations import links
from apps.registrations.models import Registration
from apps.registrations.selectors import asked_by, owned_by

Kind = Registration.Kind


def by_private_link(token: str) -> Registration:
    """Raises Http404 for a token that is garbled, forged, or older than a change of the address."""
    opened = links.opened_by(token)
    if opened is None:
        raise Http404
    pk, nonce = opened
    rows = Registration.objects.select_related("project", "joins", "membership_change", "submitted_by")
    return get_object_or_404(rows, pk=pk, nonce=nonce)


def own_of(user: User) -> QuerySet[Registration]:
    """The requests that this person made while signed in, or with this account's proved address."""
    return Registration.objects.filter(asked_by(user))


def get_own(user: User, pk: int) -> Registration:
    return get_object_or_404(own_of(user), pk=pk)


def decides_some(user: User) -> bool:
    """Whether there may be requests on which this person decides."""
    return user.may_approve or owned_by(user).exists()


def has_console(user: User) -> bool:
    """Whether there is a list of requests for this person: who decides on some, or looks."""
    return user.may_look or decides_some(user)


def visible_to(user: User) -> QuerySet[Registration]:
    """Every request, for who approves or looks; those to join their projects, for owners.

    Raises Http404 for others, as if there were no such page.
    """
    rows = Registration.objects.select_related("project__allocation", "joins", "membership_change", "submitted_by")
    if user.may_approve or user.may_look:
        return rows
    if not has_console(user):
        raise Http404
    return rows.filter(joins__in=owned_by(user))


def for_reader(user: User, pk: int) -> Registration:
    return get_object_or_404(visible_to(user), pk=pk)


def decides_on(user: User, registration: Registration) -> bool:
    """Whether the person may decide on a request of this kind; whether on this one now is for its state to say."""
    return user.may_approve or (
        registration.joins_id is not None and owned_by(user).filter(pk=registration.joins_id).exists()
    )


def for_decider(user: User, pk: int) -> Registration:
    """Raises Http404 for who may only look, too."""
    registration = for_reader(user, pk)
    if not decides_on(user, registration):
        raise Http404
    return registration


def as_seen(user: User, pk: int, version: str) -> Registration:
    """The request as the page showed it, so that a decision on one that has moved since is refused.

    Raises Http404 for who may not decide.
    """
    registration = for_decider(user, pk)
    if version and version != registration.version:
        try:
            registration.status_changed_at = datetime.fromisoformat(version).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Http404 from None
    return registration
