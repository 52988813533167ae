"""Joining, another role, leaving, handing over, at the real Keycloak: its groups follow, and twice is once."""

import uuid
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from apps.accounts.identities import EVERYBODY
from apps.accounts.models import Identity, User
from apps.core.models import Step
from apps.integrations.keycloak import realm as settings_realm
from apps.integrations.keycloak.client import KeycloakClient
from apps.projects.members import change_role, hand_over, leave
from apps.projects.models import Membership, MembershipChange, Project
from apps.projects.services import mark_ready
from apps.provisioning import group_sync, members, services
from apps.provisioning.services import Requester
from tests.accounts.keycloak_mode import use_keycloak
from tests.peers.keycloak.realm import Realm
from tests.peers.keycloak.test_steps import _portal, approved, email
from tests.peers.mail import Mail
from tests.portal import free_port

__all__ = ["_portal", "email"]
pytestmark = [pytest.mark.peers, pytest.mark.django_db, pytest.mark.timeout(400)]
Role = Membership.Role


@pytest.fixture
def project(email: str) -> Project:
    """Set up, with its owner in the group."""
    project = approved(email)
    assert services.advance(project)
    mark_ready(project)
    return project


@pytest.fixture
def owner(project: Project, email: str) -> User:
    return User.objects.get(email=email)


def joined(project: Project, by: User, role: Role = Role.MEMBER) -> MembershipChange:
    address = f"bob-{uuid.uuid4().hex[:12]}@uni.example"
    requester = Requester(email=address, name="Bob Berg", affiliation="Uppsala University")
    return members.join_person(project, requester, role=role, by=by)


def groups_of(realm: Realm, user: User) -> set[str]:
    return set(realm.directory().groups_of(Identity.objects.get(user=user).subject)) - {EVERYBODY}


def test_joining_another_role_and_leaving_reach_the_groups(
    realm: Realm, mail: Mail, project: Project, owner: User
) -> None:
    change = joined(project, owner)
    for _ in range(2):
        assert members.advance(change)
    group, user = f"MAIA:{project.namespace}", change.user
    assert groups_of(realm, user) == {group}
    assert len(mail.mails_to(user.email)) == 1
    for role, ending in ((Role.VIEWER, ":viewer"), (Role.OWNER, ":owner")):
        change_role(Membership.objects.get(project=project, user=user), role=role, by=owner)
        members.sweep()
        group_sync.sweep()
        assert groups_of(realm, user) == {f"{group}{ending}"}
        assert Membership.objects.get(project=project, user=user).role == role
    leave(project, user)
    members.sweep()
    group_sync.sweep()
    assert groups_of(realm, user) == set()
    assert not Membership.objects.filter(project=project, user=user).exists()
    assert not MembershipChange.objects.filter(done_at=None).exists()


def test_an_owner_hands_over_and_leaves(realm: Realm, project: Project, owner: User) -> None:
    user = joined(project, owner).user
    hand_over(project, to=user, by=owner)
    leave(project, owner)
    members.sweep()
    group_sync.sweep()
    assert groups_of(realm, user) == {f"MAIA:{project.namespace}:owner"}
    assert groups_of(realm, owner) == set()
    assert list(Membership.objects.filter(project=project).values_list("user", "role")) == [(user.pk, Role.OWNER)]


@pytest.mark.parametrize("name", ["account", "identity", "groups", "invitation", "letter"])
def test_each_step_twice_is_once(realm: Realm, mail: Mail, project: Project, owner: User, name: str) -> None:
    change = joined(project, owner)
    for step in ("account", "identity", "groups", "invitation", "letter"):
        members.ACTIONS[step](change.pk)
        if step == name:
            members.ACTIONS[step](change.pk)
    assert members.advance(change)
    assert groups_of(realm, change.user) == {f"MAIA:{project.namespace}"}
    assert len(realm.directory().people_with_email(change.user.email)) == 1
    assert len(mail.mails_to(change.user.email)) == 1


@pytest.mark.faults
def test_while_keycloak_is_away_the_step_waits_and_then_goes_on(
    realm: Realm, project: Project, owner: User, settings: LazySettings
) -> None:
    use_keycloak(settings, **{**realm.settings, "KEYCLOAK_URL": f"http://127.0.0.1:{free_port()}"})
    change = joined(project, owner)
    assert not members.advance(change)
    waits = Step.objects.get(ledger__kind="member", status=Step.Status.WAITING, waiting_since__isnull=False)
    assert (waits.name, waits.last_error) == ("identity", "Keycloak does not answer; waiting for it.")
    assert Membership.objects.filter(project=project, user=change.user).exists()
    use_keycloak(settings, **realm.settings)
    Step.objects.update(look_again_at=timezone.now() - timedelta(seconds=1))
    assert members.advance(change)
    assert groups_of(realm, change.user) == {f"MAIA:{project.namespace}"}


def test_a_full_sync_asks_for_nobody_alone(
    realm: Realm, project: Project, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        members.advance(joined(project, owner))
    group_sync.sweep()
    asked: list[str] = []
    call = KeycloakClient._call

    def counting(self: KeycloakClient, method: str, path: str, **sent: object) -> object:
        asked.append(f"{method} {path}")
        return call(self, method, path, **sent)

    monkeypatch.setattr(KeycloakClient, "_call", counting)
    assert isinstance(settings_realm.directory(), KeycloakClient)
    group_sync.sweep()
    assert {path.split("/")[1] for path in asked} == {"users", "groups"}
    assert not [path for path in asked if path.startswith("GET /users/")]
    assert len([path for path in asked if path.endswith("/members")]) == 4  # the project's three, and MAIA:admin
