"""The mails about a project's life: to its members about what it means for them, to owners and approvers what to do."""

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import administrators, approvers
from apps.core import mail
from apps.core.templatetags.ui import day
from apps.projects.history import lines_of
from apps.projects.members import A_ROLE
from apps.projects.models import ExtensionRequest, Membership, Project, ProjectChange

Action = ProjectChange.Action
Role = Membership.Role
BUT_OWNERS = (Role.MEMBER, Role.VIEWER)
TURNS: Mapping[str, tuple[str, str]] = {
    Action.SUSPEND: (
        "is suspended",
        "Nothing of it runs any more: workspaces are stopped, uploads and runs are refused. Everything is kept.",
    ),
    Action.RESUME: ("goes on", "It is no longer suspended: what it had runs again."),
    Action.ARCHIVE: (
        "is archived",
        "Its images are kept and can be read. Its workspaces and models are removed; home folders on a cluster are "
        "kept for 30 days more.",
    ),
    Action.RESTORE: ("goes on", "It is no longer archived: images, runs and workspaces can be used again."),
    Action.SCHEDULE_DELETION: (
        "is to be deleted",
        "Nothing of it runs any more. Its images, workspaces and everything else of it will be deleted on {delete_on}. "
        "Until then an owner can undo this.",
    ),
    Action.UNDO_DELETION: ("is not deleted", "Its deletion was undone."),
    Action.DELETE: ("is being deleted", "The time to undo it is over: images, workspaces and everything else go now."),
}
SUSPENDED_AGAIN = (
    "is suspended again",
    "It is no longer archived but suspended, as it was before: nothing of it runs until an administrator resumes it.",
)


def tell_turn(change: ProjectChange, *, roles: Iterable[Role]) -> None:
    project = change.project
    words, sentence = _words_of(change)
    if project.delete_at:
        sentence = sentence.format(delete_on=day(project.delete_at))
    _to_members(project, words, "turned", {"sentence": sentence, "why": change.why}, roles=roles)


def tell_deleted(project: Project) -> None:
    """To all members, before they are none."""
    sentence = "Nothing of it is left: its images, workspaces and everything else of it are gone."
    _to_members(project, "is deleted", "turned", {"sentence": sentence})


def tell_end_is_near(project: Project) -> None:
    """To the owners, who can ask for more time."""
    days = project.days_left
    words = "ends today" if days == 0 else f"ends in {days} day{'' if days == 1 else 's'}"
    _to_members(project, words, "ends", {"archive_after_days": settings.ARCHIVE_AFTER_DAYS}, roles=(Role.OWNER,))


def tell_trouble(project: Project, trouble: str) -> None:
    """To its owners and the administrators: what does not run, or that all does again where `trouble` is ""."""
    subject = f"{project.name} is degraded" if trouble else f"{project.name} runs as it should again"
    owning = {"memberships__project": project, "memberships__role": Role.OWNER, "is_active": True}
    for person in (User.objects.filter(**owning) | administrators()).distinct().order_by("pk"):
        _post(person, subject, "trouble", {"project": project, "trouble": trouble})


def tell_owner_kept(membership: Membership) -> None:
    """To the administrators, who have the groups in Keycloak: a project's last owner was to be none any more."""
    subject = f"{membership.user.name} is still the owner of {membership.project.name}"
    for person in administrators():
        _post(person, subject, "owner_kept", {"membership": membership, "project": membership.project})


def tell_without_owner(project: Project) -> None:
    """To the administrators, who name another."""
    for person in administrators():
        _post(person, f"{project.name} has no owner any more", "without_owner", {"project": project})


def tell_grouped(membership: Membership, *, before: str = "", role: str = "") -> None:
    """To the person whose membership Keycloak's groups have made, changed or ended."""
    project = membership.project
    words = "are no longer in" if not role else "have another role in" if before else "are in"
    context = {"project": project, "a_role": A_ROLE[Role(role)] if role else ""}
    _post(membership.user, f"You {words} the project {project.name}", "grouped", context)


def tell_granted(change: ProjectChange, *, turn: ProjectChange | None = None) -> None:
    """To the owners: what was granted before and is now, and the turn that followed from it."""
    context: dict[str, object] = {"lines": lines_of(change), **_turned(turn)}
    words = "may use other resources" if change.action == Action.GRANT else "has another last day"
    _to_members(change.project, words, "granted", context, roles=(Role.OWNER,))


def tell_approvers(request: ExtensionRequest) -> None:
    """To everybody who may decide."""
    subject = f"More time is asked for {request.project.name}"
    for approver in approvers().exclude(pk=request.asked_by_id):
        _post(approver, subject, "extension_asked", {"request": request, "project": request.project})


def tell_decided(request: ExtensionRequest, *, turn: ProjectChange | None = None) -> None:
    """To the owners, whoever of them has asked; with the turn that followed from it."""
    is_granted = request.status == ExtensionRequest.Status.GRANTED
    words = f"runs until {day(request.project.ends_on)}" if is_granted else "gets no more time"
    context = {"request": request, "is_granted": is_granted, **_turned(turn)}
    _to_members(request.project, words, "extension_decided", context, roles=(Role.OWNER,))


def _words_of(change: ProjectChange) -> tuple[str, str]:
    is_still_suspended = change.action == Action.RESTORE and change.target == Project.Status.SUSPENDED
    return SUSPENDED_AGAIN if is_still_suspended else TURNS[change.action]


def _turned(turn: ProjectChange | None) -> dict[str, object]:
    return {"sentence": _words_of(turn)[1], "why": turn.why} if turn else {}


def _to_members(
    project: Project, words: str, template: str, context: dict[str, object], *, roles: Iterable[Role] = tuple(Role)
) -> None:
    told = project.memberships.filter(role__in=list(roles), user__is_active=True)
    for membership in told.select_related("user").order_by("pk"):
        link = _link(project, Role(membership.role))
        _post(membership.user, f"{project.name} {words}", template, {**context, "project": project, "link": link})


def _post(person: User, subject: str, template: str, context: dict[str, object]) -> None:
    mail.post(
        to=person.email,
        subject=subject,
        template=f"projects/mail/{template}.txt",
        context={**context, "person": person},
    )


def _link(project: Project, role: Role) -> str:
    """What the person can still open of it; "" when that is nothing."""
    if project.status in (Project.Status.DELETING, Project.Status.DELETED):
        return ""
    if role == Role.OWNER:
        return reverse("projects:settings", args=[project.namespace])
    is_hidden = project.status == Project.Status.DELETION_SCHEDULED
    return "" if is_hidden else reverse("dashboard:project", args=[project.namespace])
