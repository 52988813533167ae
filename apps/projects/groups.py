"""Memberships and Keycloak's groups: `MAIA:<project>` is member, `:owner` and `:viewer` the other two, matched exactly.

Keycloak has the last word about memberships that it has been told of; the portal's own rows that still wait to be told
(`Membership.grouped_at` is none) and its wishes to remove (`Removal`) are not undone by an older word of Keycloak. One
word does not count: that the last owner who can act is none any more.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.identities import ADMINISTRATORS, EVERYBODY
from apps.accounts.models import User
from apps.audit.services import changed, record
from apps.projects import letters, owners
from apps.projects.access import RANK
from apps.projects.models import Membership, Project, Removal

Role = Membership.Role
ENDINGS: Mapping[Role, str] = {Role.MEMBER: "", Role.OWNER: ":owner", Role.VIEWER: ":viewer"}
GROUP = re.compile(r"MAIA:([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)((?::owner|:viewer)?)")
GONE = (Project.Status.DELETING, Project.Status.DELETED)

# Longer than any sign-in takes that read the groups before the removal and applies them after it.
REMOVALS_KEPT = timedelta(days=1)


def group_of(namespace: str, role: str) -> str:
    return f"MAIA:{namespace}{ENDINGS[Role(role)]}"


def groups_of(namespace: str) -> dict[Role, str]:
    """All groups of a project, by role."""
    return {role: group_of(namespace, role) for role in ENDINGS}


def roles_in(groups: Collection[str]) -> dict[str, Role]:
    """The highest role that the groups give, by namespace."""
    by_ending = {ending: role for role, ending in ENDINGS.items()}
    found: dict[str, Role] = {}
    for group in groups:
        match = GROUP.fullmatch(group)
        if match is None or group in (ADMINISTRATORS, EVERYBODY):
            continue
        namespace, role = match[1], by_ending[match[2]]
        found[namespace] = max(role, found.get(namespace, role), key=RANK.__getitem__)
    return found


@dataclass(frozen=True)
class Known:
    """The roles that Keycloak's groups have given, as the rows have them: user → namespace → role.

    Without what the portal has still to tell Keycloak (`untold`).
    """

    namespaces: frozenset[str]
    roles: Mapping[int, Mapping[str, str]]
    untold: frozenset[tuple[int, str]]

    @classmethod
    def now(cls) -> "Known":
        namespaces = frozenset(Project.objects.exclude(status__in=GONE).values_list("namespace", flat=True))
        roles: dict[int, dict[str, str]] = {}
        untold = set()
        rows = Membership.objects.values_list("user_id", "project__namespace", "role", "grouped_at")
        for user_pk, namespace, role, grouped_at in rows:
            if grouped_at is None:
                untold.add((user_pk, namespace))
            elif namespace in namespaces:
                roles.setdefault(user_pk, {})[namespace] = role
        return cls(namespaces, roles, frozenset(untold))

    def is_news(self, user_pk: int, groups: Collection[str]) -> bool:
        """Whether these groups give the person anything else."""
        found = {name: role for name, role in roles_in(groups).items() if name in self.namespaces}
        given = {name: role for name, role in found.items() if (user_pk, name) not in self.untold}
        return given != self.roles.get(user_pk, {})


def follow(user: User, groups: Collection[str], *, read_at: datetime) -> None:
    """Makes the person's memberships what Keycloak's groups said at `read_at`. Twice is once."""
    roles = roles_in(groups)
    with transaction.atomic():
        _lock_owned(user, besides=[name for name, role in roles.items() if role == Role.OWNER])
        # A sign-in and a sweep may follow at once: the second sees what the first has made.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        rows = Membership.objects.select_for_update(of=("self",)).filter(user=user).exclude(project__status__in=GONE)
        held = {row.project.namespace: row for row in rows.select_related("project", "user")}
        for namespace, membership in held.items():
            _keep(membership, roles.get(namespace), read_at)
        for project in Project.objects.filter(namespace__in=roles.keys() - held.keys()).exclude(status__in=GONE):
            _join(project, user, roles[project.namespace], read_at)
        Removal.objects.filter(user=user, done_at__lt=read_at - REMOVALS_KEPT).delete()


def _lock_owned(user: User, *, besides: Collection[str]) -> None:
    """Of two owners who lose their groups at once, the second is the last; the projects first, as everywhere."""
    owned = Project.objects.filter(memberships__user=user, memberships__role=Role.OWNER).exclude(namespace__in=besides)
    list(owned.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk"))


def _keep(membership: Membership, role: Role | None, read_at: datetime) -> None:
    if membership.grouped_at is None:
        if role == membership.role and membership.changed_at < read_at:
            Membership.objects.filter(pk=membership.pk).update(grouped_at=read_at)
    elif membership.grouped_at > read_at:
        return
    elif role != membership.role and _is_needed(membership):
        # Keycloak is told again by the next sweep.
        Membership.objects.filter(pk=membership.pk).update(grouped_at=None)
        _record("member.kept", membership, role=membership.role)
        letters.tell_owner_kept(membership)
    elif role is None:
        _record("member.left", membership)
        letters.tell_grouped(membership, before=membership.role)
        membership.delete()
        # A sign-in that read the groups before this must not bring the membership back.
        gone = {"asked_at": read_at, "done_at": read_at}
        Removal.objects.update_or_create(project=membership.project, user=membership.user, defaults=gone)
    elif role != membership.role:
        given = {"role": role, "may_export": membership.may_export_as(role), "grouped_at": read_at}
        Membership.objects.filter(pk=membership.pk).update(**given)
        _record("member.role_changed", membership, role=changed(membership.role, role))
        before, membership.role = membership.role, role
        letters.tell_grouped(membership, before=before, role=role)


def _is_needed(membership: Membership) -> bool:
    """Whether the project would have no owner who can act; who cannot any more is not kept."""
    is_owner = membership.role == Role.OWNER
    return is_owner and owners.can_act(membership) and owners.is_last(membership)


def _join(project: Project, user: User, role: Role, read_at: datetime) -> None:
    removal = Removal.objects.filter(project=project, user=user).first()
    if removal is not None and (removal.done_at is None or removal.done_at >= read_at):
        return
    given = {"role": role, "may_export": role == Role.OWNER, "grouped_at": read_at}
    membership, is_new = Membership.objects.get_or_create(project=project, user=user, defaults=given)
    if is_new:  # somebody may have been made a member here in this very moment
        _record("member.joined", membership, role=role)
        letters.tell_grouped(membership, role=role)


def _record(action: str, membership: Membership, **detail: object) -> None:
    project, member = membership.project_id, membership.user_id
    record(action, actor=None, project=project, subject=membership, member=member, by_group=True, **detail)
