from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.projects.access import enter
from apps.projects.models import MembershipChange


def member_change(user: User, namespace: str, pk: int) -> tuple[MembershipChange, bool]:
    """A change of the project's members, and whether the person may retry it: for owners and administrators.

    Who may look everywhere sees it, and the person whose change it is. Raises Http404 for all others.
    """
    entry = enter(user, namespace)
    found = MembershipChange.objects.select_related("project", "user", "asked_by")
    change = get_object_or_404(found, pk=pk, project=entry.project)
    may_retry = entry.is_owner_or_administrator
    if not (may_retry or user.may_look or change.user_id == user.pk):
        raise Http404
    return change, may_retry
