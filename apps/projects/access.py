"""The only way from a person to a project. Who has no part in it cannot tell it from one that does not exist."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from apps.accounts.models import User
from apps.projects.models import Membership, Project

Role = Membership.Role
RANK = {Role.VIEWER: 1, Role.MEMBER: 2, Role.OWNER: 3}
NEEDS = {Role.MEMBER: "Viewers can look but not change anything here.", Role.OWNER: "Only an owner can do this."}


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

    def need_export(self) -> None:
        """Raises PermissionDenied unless the person may take images out of the platform."""
        if not self.may_export:
            raise PermissionDenied("Images do not leave the platform: an owner can give you the right to export.")


def visible_projects(user: User) -> QuerySet[Project]:
    if user.may_look:
        return Project.objects.order_by("name", "pk")
    return Project.objects.filter(memberships__user=user).order_by("name", "pk")


def enter(user: User, namespace: str, *, at_least: Role = Role.VIEWER) -> Entry:
    """The person's way into a project.

    Raises Http404 for outsiders, as for a project that does not exist, and PermissionDenied for a lesser role.
    """
    membership = Membership.objects.select_related("project").filter(user=user, project__namespace=namespace).first()
    if membership is not None:
        entry = Entry(membership.project, user, Role(membership.role), membership.may_export, is_member=True)
    else:
        entry = Entry(_to_look_at(user, namespace), user, Role.VIEWER, may_export=False, is_member=False)
    entry.need(at_least)
    return entry


def _to_look_at(user: User, namespace: str) -> Project:
    project = Project.objects.filter(namespace=namespace).first() if user.may_look else None
    if project is None:
        raise Http404
    return project
