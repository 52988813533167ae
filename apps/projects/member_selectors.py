"""What the members' pages read, in a number of queries that does not grow with the members."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.core import ledger
from apps.core.models import Step
from apps.projects.models import Invitation, Membership, MembershipChange, Project

CHANGES_SHOWN = 20


@dataclass(frozen=True)
class Work:
    """What is still to be done for a change, and how it stands."""

    change: MembershipChange
    step: Step | None

    @property
    def kind(self) -> str:
        return self.step.kind if self.step else "next"

    @property
    def sentence(self) -> str:
        return self.step.last_error if self.step else ""


def matching(rows: QuerySet[Membership], *, words: str, role: str) -> QuerySet[Membership]:
    """The members by name, those whose name or address has the words in it and who have the role."""
    found = rows.select_related("user").order_by("user__name", "pk")
    if words:
        found = found.filter(Q(user__name__icontains=words) | Q(user__email__icontains=words))
    return found.filter(role=role) if role else found


def invitations(rows: QuerySet[Invitation], *, words: str, status: str) -> QuerySet[Invitation]:
    """The newest first."""
    found = rows.select_related("invited_by").order_by("-created_at", "-pk")
    if words:
        found = found.filter(Q(name__icontains=words) | Q(email__icontains=words))
    return found.filter(status=status) if status else found


def work_of(project: Project, *, user_pks: Collection[int] | None = None) -> list[Work]:
    """The changes that are not done, the newest first and not very many; of these people only, if they are given."""
    found = project.membership_changes.filter(done_at=None).select_related("user", "asked_by").order_by("-pk")
    if user_pks is not None:
        found = found.filter(user__in=user_pks)
    changes = list(found[:CHANGES_SHOWN])
    steps = ledger.current_steps(MembershipChange.LEDGER, [change.pk for change in changes])
    return [Work(change, steps.get(change.pk)) for change in changes]
