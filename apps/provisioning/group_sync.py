"""Keeps memberships here and groups in Keycloak the same: tells what changed here, reads what changed there."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import structlog
from django.db.models import Q
from django.utils import timezone

from apps.accounts import identities
from apps.accounts.keycloak import is_in_use
from apps.accounts.models import Identity, User
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.port import (
    KeycloakDirectory,
    KeycloakRefused,
    KeycloakUnreachable,
    PersonMissing,
    ServiceAccountRefused,
)
from apps.projects import groups
from apps.projects.models import Membership, Project, Removal

log = structlog.get_logger(__name__)
READ_AT_ONCE = 500


def sweep() -> None:
    """Tells Keycloak what changed here, then reads what changed there."""
    if not is_in_use():
        return
    directory = realm.directory()
    try:
        _carry_out_removals(directory)
        _tell_memberships(directory)
        _read_again(directory)
    except KeycloakUnreachable:
        log.warning("keycloak does not answer")
    except KeycloakRefused as error:
        log.warning("keycloak refuses the portal's service account", status=error.status)


@contextmanager
def _by_itself(**of_whom: int) -> Iterator[None]:
    """What Keycloak refuses about one person keeps nobody else waiting; it is tried again by the next sweep."""
    try:
        yield
    except ServiceAccountRefused:
        raise
    except KeycloakRefused as error:
        log.warning("keycloak refused", status=error.status, **of_whom)


def _carry_out_removals(directory: KeycloakDirectory) -> None:
    for removal in Removal.objects.filter(done_at=None).select_related("project", "user"):
        with _by_itself(removal=removal.pk):
            _carry_out(directory, removal)


def settle(directory: KeycloakDirectory, project: Project, user: User) -> None:
    """The person's groups become what the membership is by now. Twice is once. Raises PersonMissing."""
    membership = Membership.objects.select_related("project", "user").filter(project=project, user=user).first()
    if membership is not None:
        tell(directory, membership)
    for removal in Removal.objects.filter(project=project, user=user, done_at=None).select_related("project", "user"):
        _carry_out(directory, removal)


def _carry_out(directory: KeycloakDirectory, removal: Removal) -> None:
    identity = identities.identity_of(removal.user)
    if identity is not None:
        for group in groups.groups_of(removal.project.namespace).values():
            directory.remove_membership(identity.subject, group)
    if not Removal.objects.filter(pk=removal.pk, asked_at=removal.asked_at).update(done_at=timezone.now()):
        # Somebody added the person again meanwhile: what was told about that may have been taken away here.
        Membership.objects.filter(project=removal.project, user=removal.user).update(grouped_at=None)


def _tell_memberships(directory: KeycloakDirectory) -> None:
    waiting = Membership.objects.filter(grouped_at=None, user__identities__issuer=realm.issuer())
    for membership in waiting.select_related("project", "user"):
        with _by_itself(membership=membership.pk):
            tell(directory, membership)


def tell(directory: KeycloakDirectory, membership: Membership) -> None:
    """Puts the member into the group of the role and no other. Twice is once. Raises PersonMissing."""
    identity = identities.identity_of(membership.user)
    if identity is None or membership.project.status in groups.GONE:
        return
    directory.ensure_membership(identity.subject, identities.EVERYBODY)
    for role, group in groups.groups_of(membership.project.namespace).items():
        if role == membership.role:
            directory.ensure_membership(identity.subject, group)
        else:
            directory.remove_membership(identity.subject, group)
    rows = Membership.objects.filter(pk=membership.pk)
    if not rows.filter(changed_at=membership.changed_at).update(grouped_at=timezone.now()):
        rows.update(grouped_at=None)  # another role was given meanwhile, and this one told after it


def _read_again(directory: KeycloakDirectory) -> None:
    """Everybody, by pages of people and of groups; who is not there as the rows have it is read alone, and followed.

    What the pages say may be torn: somebody moved from one group to another between two of them is in both or none.
    """
    read_at, known = timezone.now(), groups.Known.now()
    enabled = {person.subject for person in directory.all_people() if person.is_enabled}
    found = _groups_by_subject(directory, known)
    rows = Identity.objects.filter(issuer=realm.issuer()).select_related("user").order_by("pk")
    changed = [one for one in rows if _is_news(one, known, enabled, found.get(one.subject, set()))]
    for identity in changed[:READ_AT_ONCE]:
        with _by_itself(identity=identity.pk):
            _read_one(directory, identity)
    as_before = rows.exclude(pk__in=[identity.pk for identity in changed])
    as_before.filter(Q(read_at=None) | Q(read_at__lt=read_at)).update(read_at=read_at)


def _groups_by_subject(directory: KeycloakDirectory, known: groups.Known) -> dict[str, set[str]]:
    """The groups that mean something here, by whoever is in one."""
    found: dict[str, set[str]] = {}
    for group in sorted(directory.all_groups()):
        if group == identities.ADMINISTRATORS or known.namespaces & groups.roles_in([group]).keys():
            for subject in directory.members_of(group):
                found.setdefault(subject, set()).add(group)
    return found


def _is_news(identity: Identity, known: groups.Known, enabled: Collection[str], found: Collection[str]) -> bool:
    return (
        identity.is_enabled != (identity.subject in enabled)
        or identity.is_group_administrator != (identities.ADMINISTRATORS in found)
        or known.is_news(identity.user_id, found)
    )


def _read_one(directory: KeycloakDirectory, identity: Identity) -> None:
    read_at = timezone.now()
    try:
        person = directory.person(identity.subject)
        found = directory.groups_of(identity.subject) if person else frozenset()
    except PersonMissing:
        person, found = None, frozenset()
    is_enabled = person is not None and person.is_enabled
    identities.note_reading(identity, found, is_enabled=is_enabled, read_at=read_at)
    groups.follow(identity.user, found, read_at=read_at)
