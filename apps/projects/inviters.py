"""An invitation holds as long as whoever sent it may still invite to the project."""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.models import Identity, User
from apps.audit.services import record
from apps.core.state import IllegalTransition
from apps.projects.models import Invitation, Membership, Project

Status = Invitation.Status


def without_inviter() -> QuerySet[Invitation]:
    """Those that wait, of people who are deactivated or neither owner nor administrator any more."""
    owner = Membership.objects.filter(
        project=OuterRef("project"), user=OuterRef("invited_by"), role=Membership.Role.OWNER
    )
    disabled = Identity.objects.filter(user=OuterRef("invited_by"), is_enabled=False)
    is_administrator = Q(invited_by__platform_role=User.PlatformRole.ADMINISTRATOR)
    may_invite = Q(invited_by__is_active=True) & ~Exists(disabled) & (Exists(owner) | is_administrator)
    return Invitation.objects.filter(~may_invite, status=Status.WAITING)


def is_without_inviter(invitation: Invitation) -> bool:
    """Whether it is one of those."""
    return without_inviter().filter(pk=invitation.pk).exists()


def sweep() -> None:
    """Closes them, whatever it was by that their senders may not invite any more."""
    _close(without_inviter(), by=None)


def close_those_of(user: User, project: Project, *, by: User) -> None:
    """What a person has sent for the project, when that person may not invite to it any more."""
    _close(without_inviter().filter(project=project, invited_by=user), by=by)


def pass_on(project: Project, *, giver: User, taker: User) -> None:
    """What waits for an answer goes on in the name of who was handed the project."""
    waiting = Invitation.objects.filter(project=project, invited_by=giver, status=Status.WAITING)
    if count := waiting.update(invited_by=taker):
        record("invitation.passed_on", actor=giver.pk, project=project.pk, subject=project, to=taker.pk, count=count)


def _close(found: QuerySet[Invitation], *, by: User | None) -> None:
    actor = by.pk if by else None
    for invitation in found.order_by("pk"):
        with transaction.atomic():
            try:
                invitation.move_to(Status.CLOSED, by=actor, why="its sender may not invite any more")
            except IllegalTransition:  # answered in this moment
                continue
            record("invitation.closed", actor=actor, project=invitation.project_id, subject=invitation)
