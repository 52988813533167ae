"""The only way from a person to a project. Who has no part in it cannot tell it from one that does not exist."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.core.digests import digest_of
from apps.core.prepared import Prepared
from apps.projects.models import ExtensionRequest, Invitation, Membership, Project, ProjectChange

Role = Membership.Role
Action = ProjectChange.Action
RANK = {Role.VIEWER: 1, Role.MEMBER: 2, Role.OWNER: 3}
NEEDS = {Role.MEMBER: "Viewers can look but not change anything here.", Role.OWNER: "Only an owner can do this."}
ADMINISTRATORS_ONLY = "Only an administrator can do this."
HELD = "An administrator has suspended this project: ask an administrator."
# All others are for administrators alone.
OWNERS_TURNS = frozenset({Action.ARCHIVE, Action.SCHEDULE_DELETION, Action.UNDO_DELETION})


@dataclass(frozen=True)
class Entry:
    """A person inside a project. Administrators and support who are not members look with the viewer's role."""

    project: Project
    user: User
    role: Role
    may_export: bool
    is_member: bool

    def can(self, role: Role) -> bool:
        return RANK[self.role] >= RANK[role]

    def need(self, role: Role) -> None:
        """Raises PermissionDenied, with a sentence, for a lesser role."""
        if not self.can(role):
            raise PermissionDenied(NEEDS[role])

    @property
    def may_work(self) -> bool:
        """Whether the person may begin something new in the project now."""
        return self.can(Role.MEMBER) and self.project.takes_work

    def need_work(self) -> None:
        """Raises PermissionDenied, with a sentence, while nothing new may begin in the project."""
        if not self.project.takes_work:
            state = self.project.badge.word.lower()
            raise PermissionDenied(f"Nothing new can begin in this project: it is {state}.")

    def need_work_still(self) -> None:
        """After something that took its time, such as a large body. Raises as `enter` and `need_work` do, by now."""
        enter(self.user, self.project.namespace, at_least=Role.MEMBER).need_work()

    @property
    def is_owner_or_administrator(self) -> bool:
        return self.can(Role.OWNER) or self.user.is_administrator

    def need_owner_or_administrator(self) -> None:
        """Raises PermissionDenied, with a sentence, for everybody else."""
        if not self.is_owner_or_administrator:
            raise PermissionDenied(NEEDS[Role.OWNER])

    def may_turn(self, action: Action) -> bool:
        return self.is_owner_or_administrator if self._is_owners(action) else self.user.is_administrator

    def need_turn(self, action: Action) -> None:
        """Raises PermissionDenied, with a sentence, for who may not bring about this turn of the project's life."""
        if self.may_turn(action):
            return
        if action not in OWNERS_TURNS:
            raise PermissionDenied(ADMINISTRATORS_ONLY)
        raise PermissionDenied(HELD if self.can(Role.OWNER) else NEEDS[Role.OWNER])

    def _is_owners(self, action: Action) -> bool:
        """What an administrator has suspended, no owner archives, for an archive can be read, and none deletes."""
        return action in OWNERS_TURNS and (action == Action.UNDO_DELETION or not self.project.is_held)

    def need_administrator(self) -> None:
        """Raises PermissionDenied, with a sentence, for everybody else."""
        if not self.user.is_administrator:
            raise PermissionDenied(ADMINISTRATORS_ONLY)

    def need_export(self) -> None:
        """Raises PermissionDenied unless the person may take images out of the platform."""
        if not self.may_export:
            raise PermissionDenied("Images do not leave the platform: an owner can give you the right to export.")


def visible_projects(user: User) -> QuerySet[Project]:
    """Those whose pages the person can open."""
    open_ones = Project.objects.exclude(status__in=Project.HIDDEN).order_by("name", "pk")
    return open_ones if user.may_look else open_ones.filter(memberships__user=user)


def ending_projects(user: User) -> QuerySet[Project]:
    """Those that are to be deleted, of which the person can open the settings alone."""
    ending = Project.objects.filter(status__in=Project.ENDING).order_by("name", "pk")
    return ending if user.may_look else ending.filter(memberships__user=user, memberships__role=Role.OWNER)


def enter(user: User, namespace: str, *, at_least: Role = Role.VIEWER) -> Entry:
    """The person's way into a project.

    Raises Http404 for outsiders and of what is to be deleted, as for a project that does not exist, and
    PermissionDenied for a lesser role.
    """
    entry = _entry(user, namespace)
    if entry.project.status in Project.HIDDEN:
        raise Http404
    entry.need(at_least)
    return entry


def enter_settings(user: User, namespace: str) -> Entry:
    """For owners, and for those who may look everywhere; also of a project that is to be deleted.

    Raises Http404 as `enter` does, and PermissionDenied for members and viewers.
    """
    entry = _entry(user, namespace)
    if entry.can(Role.OWNER) or user.may_look:
        if entry.project.status == Project.Status.DELETED:
            raise Http404
        return entry
    return enter(user, namespace, at_least=Role.OWNER)


def manage_members(user: User, namespace: str) -> Entry:
    """For owners, and for administrators: they help a project whose owners are all gone.

    Raises Http404 and PermissionDenied as `enter` does.
    """
    entry = enter(user, namespace)
    entry.need_owner_or_administrator()
    return entry


def get_membership(entry: Entry, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user", "project"), pk=pk, project=entry.project)


def get_invitation(entry: Entry, pk: int) -> Invitation:
    return get_object_or_404(Invitation.objects.select_related("invited_by", "project"), pk=pk, project=entry.project)


def invitation_by_link(token: str) -> Invitation:
    """Raises Http404 for a link that nobody has, the former ones of an invitation that was sent again included."""
    found = Invitation.objects.select_related("project", "invited_by").exclude(project__status__in=Project.HIDDEN)
    return get_object_or_404(found, digest=digest_of(token))


def enter_any(user: User, namespace: str) -> Entry:
    """Into a project whatever its state: into one that is to be deleted as into its settings. Raises as these do."""
    entry = _entry(user, namespace)
    return enter_settings(user, namespace) if entry.project.status in Project.HIDDEN else entry


_MEMBERSHIP = Prepared(
    lambda user, namespace: Membership.objects.select_related("project").filter(
        user=user, project__namespace=namespace
    ),
    int,
    str,
)


def _entry(user: User, namespace: str) -> Entry:
    membership = _MEMBERSHIP.first(user.pk, namespace)
    if membership is not None:
        return Entry(membership.project, user, Role(membership.role), membership.may_export, is_member=True)
    return Entry(_to_look_at(user, namespace), user, Role.VIEWER, may_export=False, is_member=False)


def _to_look_at(user: User, namespace: str) -> Project:
    project = Project.objects.filter(namespace=namespace).first() if user.may_look else None
    if project is None:
        raise Http404
    return project


def every_project(user: User) -> QuerySet[Project]:
    """The deleted ones as well, for those who may look everywhere. Raises Http404 for others."""
    if not user.may_look:
        raise Http404
    return Project.objects.order_by("name", "pk")


def visible_extensions(user: User) -> QuerySet[ExtensionRequest]:
    """Every request for more time, for those who decide and those who may look. Raises Http404 for others."""
    if not (user.may_approve or user.may_look):
        raise Http404
    return ExtensionRequest.objects.select_related("project", "asked_by", "decided_by")


def extensions_waiting_for(user: User) -> QuerySet[ExtensionRequest]:
    """Those that this approver may decide now, the longest waiting first; none for others."""
    if not user.may_approve:
        return ExtensionRequest.objects.none()
    waiting = ExtensionRequest.objects.filter(status=ExtensionRequest.Status.WAITING).exclude(asked_by=user)
    return waiting.select_related("project", "asked_by").order_by("pk")


def extension_to_decide(user: User, pk: int) -> ExtensionRequest:
    """Raises Http404 for who may not decide."""
    if not user.may_approve:
        raise Http404
    return get_object_or_404(visible_extensions(user), pk=pk)
