"""The turns of a project's life. Each is one transaction: the new state, a `ProjectChange`, the mails.

What follows from it is done by the rooms above, which read that row: the project's runs end, and what there is of it
elsewhere comes to the new state.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import changed, record
from apps.core.doorbell import ring
from apps.core.state import IllegalTransition
from apps.projects import letters
from apps.projects.models import ExtensionRequest, Invitation, Membership, Project, ProjectChange

Status = Project.Status
Action = ProjectChange.Action
FROM: Mapping[Action, frozenset[Status]] = {
    Action.SUSPEND: Project.AT_WORK,
    Action.RESUME: frozenset({Status.SUSPENDED}),
    Action.ARCHIVE: Project.AT_WORK | {Status.SUSPENDED},
    Action.RESTORE: frozenset({Status.ARCHIVED}),
    Action.SCHEDULE_DELETION: Project.SET_UP | {Status.PROVISIONING},
    Action.UNDO_DELETION: frozenset({Status.DELETION_SCHEDULED}),
    Action.DELETE: frozenset({Status.DELETION_SCHEDULED}),
}


class LifeRefused(Exception):
    """What was asked about a project's life cannot be; the sentence says why to the person who asked.

    `field` is what has to be corrected of that which was sent; "" when nothing sent would do.
    """

    field: ClassVar[str] = ""


class NamespaceMistyped(LifeRefused):
    """What was typed to confirm a deletion is not the project's namespace."""

    field = "typed"

    def __init__(self, project: Project) -> None:
        super().__init__(f"Type {project.namespace} to confirm.")


class IsOver(LifeRefused):
    """The project's last day is over."""

    def __init__(self) -> None:
        super().__init__("The project's last day is over: it needs a later one first.")


def suspend(project: Project, *, by: User | None, why: str) -> None:
    """Nothing of it runs any more, everything is kept; `by` is None for the clock. Raises IllegalTransition."""
    _turn(project, Action.SUSPEND, Status.SUSPENDED, by=by, why=why)


def resume(project: Project, *, by: User, why: str = "") -> None:
    """Ends a suspension. Raises IsOver and IllegalTransition."""
    _need_time(project)
    _turn(project, Action.RESUME, Status.READY, by=by, why=why)


def archive(project: Project, *, by: User | None, why: str = "") -> None:
    """Workspaces and models are removed; the images are kept and can be read. Raises IllegalTransition."""
    _turn(project, Action.ARCHIVE, Status.ARCHIVED, by=by, why=why)


def restore(project: Project, *, by: User, why: str = "") -> None:
    """An archived project is at work again. Raises IsOver and IllegalTransition."""
    _need_time(project)
    _turn(project, Action.RESTORE, Status.READY, by=by, why=why)


def go_on(project: Project, *, by: User) -> ProjectChange | None:
    """With more time, what the clock had stopped goes on; what an administrator had suspended is suspended again.

    None for what a person has stopped. The owners are told by the caller, in the mail about the time.
    """
    if not project.is_stopped_by_clock:
        return None
    action = Action.RESUME if project.status == Status.SUSPENDED else Action.RESTORE
    target, why = (Status.SUSPENDED, _whose(project)) if project.is_held else (Status.READY, "It has more time.")
    return _turn(project, action, target, by=by, why=why, told=letters.BUT_OWNERS)


def schedule_deletion(project: Project, *, typed: str, by: User, why: str = "") -> None:
    """Everything of it is deleted after DELETION_GRACE_DAYS; until then nothing runs, and it can be undone.

    `typed` is the namespace as the person wrote it. Raises NamespaceMistyped and IllegalTransition.
    """
    if typed.strip() != project.namespace:
        raise NamespaceMistyped(project)
    delete_at = timezone.now() + timedelta(days=settings.DELETION_GRACE_DAYS)
    with transaction.atomic():
        _turn(project, Action.SCHEDULE_DELETION, Status.DELETION_SCHEDULED, by=by, why=why, delete_at=delete_at)
        for request in ExtensionRequest.objects.filter(project=project, status=ExtensionRequest.Status.WAITING):
            request.move_to(ExtensionRequest.Status.WITHDRAWN, by=by.pk, why="the project is to be deleted")


def undo_deletion(project: Project, *, by: User, why: str = "") -> None:
    """The project is again what it was before. Raises IllegalTransition, also once the deletion has begun."""
    _turn(project, Action.UNDO_DELETION, _before_deletion(project), by=by, why=why, delete_at=None)


def begin_deletion(project: Project) -> None:
    """The time to undo it is over. Raises IllegalTransition when somebody has undone it."""
    _turn(project, Action.DELETE, Status.DELETING, by=None, why="")


def finish_deletion(project: Project) -> None:
    """Nothing of the project is left anywhere: ends the memberships. The row stays, so that nobody gets its namespace.

    Twice is once.
    """
    with transaction.atomic():
        try:
            project.move_to(Status.DELETED, why="nothing of it is left")
        except IllegalTransition:
            return
        letters.tell_deleted(project)
        _end_memberships(project)
        record("project.deleted", actor=None, project=project.pk, subject=project, namespace=project.namespace)


def degrade(project: Project, *, why: str) -> None:
    """Something of a ready project is broken. Twice is once, and nothing happens in any other state."""
    _note_health(project, Status.READY, Status.DEGRADED, why)


def recover(project: Project) -> None:
    """Nothing of a degraded project is broken any more. Twice is once, and nothing happens in any other state."""
    _note_health(project, Status.DEGRADED, Status.READY, "all runs again")


def trouble_of(project: Project) -> str:
    """What a degraded project is degraded by; "" of any other."""
    noted = project.events().last() if project.status == Status.DEGRADED else None
    return noted.why if noted else ""


def can_turn(project: Project, action: Action) -> bool:
    """Whether the project's state allows it now."""
    return project.status in FROM[action]


def write_change(project: Project, action: Action, *, by: User | None, **fields: Any) -> ProjectChange:
    """Appends to the project's history and rings for those who do what follows; in the caller's transaction."""
    change = ProjectChange.objects.create(project=project, action=action, by=by, **fields)
    if change.done_at is None:
        ring("jobs.follow_project", change.pk)
        ring("provisioning.follow_project", change.pk)
    return change


def _turn(
    project: Project,
    action: Action,
    target: Status,
    *,
    by: User | None,
    why: str,
    told: Iterable[Membership.Role] = tuple(Membership.Role),
    **fields: Any,
) -> ProjectChange:
    if not can_turn(project, action):
        raise IllegalTransition(project, target)
    actor, before, done = by.pk if by else None, project.status, action.label.lower().replace(" ", "_")
    with transaction.atomic():
        project.move_to(target, by=actor, why=why, **fields)
        _overtake(project, target)
        change = write_change(project, action, by=by, target=target, why=why)
        record(f"project.{done}", actor=actor, project=project.pk, subject=change, state=changed(before, target))
        letters.tell_turn(change, roles=told)
    return change


def _overtake(project: Project, target: Status) -> None:
    """What an earlier turn had still to do is wished no longer; of what is deleted, no quota either."""
    earlier = ProjectChange.objects.filter(project=project, done_at=None)
    overtaken = earlier if target == Status.DELETING else earlier.exclude(target="")
    overtaken.update(done_at=timezone.now())


def _end_memberships(project: Project) -> None:
    """And what was asked about them."""
    for invitation in project.invitations.filter(status=Invitation.Status.WAITING):
        invitation.move_to(Invitation.Status.REVOKED, why="the project is deleted")
    project.membership_changes.filter(done_at=None).update(done_at=timezone.now())
    project.removals.all().delete()
    project.memberships.all().delete()


def _note_health(project: Project, before: Status, after: Status, why: str) -> None:
    if project.status != before:
        return
    with transaction.atomic():
        try:
            project.move_to(after, why=why)
        except IllegalTransition:
            return
        record(f"project.{after}", actor=None, project=project.pk, subject=project, state=changed(before, after))


def _need_time(project: Project) -> None:
    if project.days_left < 0:
        raise IsOver


def _whose(project: Project) -> str:
    """By whom and why it was suspended, as a sentence."""
    suspended = project.last_stop(Status.SUSPENDED)
    if suspended is None or suspended.by_pk is None:
        return ""
    return f"{User.objects.get(pk=suspended.by_pk).name} had suspended it: {suspended.why}"


def _before_deletion(project: Project) -> Status:
    """Whether it ends soon or is degraded is found anew."""
    scheduled = project.events().filter(to_status=Status.DELETION_SCHEDULED).last()
    before = Status(scheduled.from_status) if scheduled else Status.READY
    return Status.READY if before in Project.AT_WORK else before
