"""Who is disabled, deleted or replaced at Keycloak keeps nothing here; Keycloak away changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import identities
from apps.accounts.models import Identity, SshKey, User
from apps.accounts.selectors import authorized_keys
from apps.accounts.services import make_token, use_token
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.integrations.keycloak.port import KeycloakRefused
from apps.projects.members import remove_member
from apps.projects.models import Membership, Project, Removal
from apps.projects.services import ensure_member
from apps.provisioning import group_sync, people
from tests.conftest import make_person

Role = Membership.Role


def test_a_person_disabled_there_keeps_no_session_and_no_token(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], bob: User, client_of: Callable[[User], object]
) -> None:
    his = connected(bob)
    _, secret = make_token(bob, name="script", days=1)
    client = client_of(bob)
    keycloak.change(his.subject, is_enabled=False)
    group_sync.sweep()
    assert client.get("/account/").status_code == 302  # type: ignore[attr-defined]
    assert use_token(secret) is None
    keycloak.change(his.subject, is_enabled=True)
    group_sync.sweep()
    assert client.get("/account/").status_code == 302  # type: ignore[attr-defined]
    assert use_token(secret) is not None


def test_a_person_deleted_there_loses_all(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], make_project: Callable[[str], Project], bob: User
) -> None:
    his = connected(bob)
    ensure_member(make_project("cardiac-mr"), bob, role=Role.MEMBER)
    group_sync.sweep()
    keycloak.ensure_membership(his.subject, "MAIA:admin")
    Identity.objects.update(signed_in_at=timezone.now())
    group_sync.sweep()
    bob.refresh_from_db()
    assert bob.is_administrator
    del keycloak.people[his.subject]
    group_sync.sweep()
    bob.refresh_from_db()
    assert not bob.is_administrator
    assert not Membership.objects.filter(user=bob).exists()
    assert not Identity.objects.get().is_enabled


@pytest.mark.parametrize("own", [User.PlatformRole.APPROVER, User.PlatformRole.ADMINISTRATOR, User.PlatformRole.NONE])
def test_the_portals_own_role_comes_back_when_the_group_is_left(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], own: User.PlatformRole
) -> None:
    user = make_person("zoe", own)
    hers = connected(user)
    for found, role in ((["MAIA:admin"], User.PlatformRole.ADMINISTRATOR), ([], own), ([], own)):
        identities.note_reading(hers, found, is_enabled=True, read_at=timezone.now())
        user.refresh_from_db()
        assert user.platform_role == role


@pytest.mark.attacks
@pytest.mark.parametrize("issuer", ["the same", "https://another.example/realms/maia"])
def test_a_role_by_a_group_does_not_outlive_the_person_who_had_it(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], bob: User, issuer: str
) -> None:
    former = connected(bob)
    identities.note_reading(former, ["MAIA:admin"], is_enabled=True, read_at=timezone.now())
    if issuer == "the same":
        del keycloak.people[former.subject]
        people.connect_person(bob)
    else:
        identities.connect(bob, issuer=issuer, subject="his")
    bob.refresh_from_db()
    assert not bob.is_administrator
    assert Identity.objects.get().subject != former.subject


@pytest.mark.attacks
@pytest.mark.parametrize("is_noticed", [True, False])
def test_what_a_person_who_is_gone_has_kept_opens_nothing_of_the_next(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], bob: User, is_noticed: bool, client_of: Any
) -> None:
    former = connected(bob)
    _, secret = make_token(bob, name="script", days=1)
    SshKey.objects.create(user=bob, name="laptop", key_type="ssh-ed25519", public_key="ssh-ed25519 A", fingerprint="x")
    client = client_of(bob)
    del keycloak.people[former.subject]
    if is_noticed:
        group_sync.sweep()
    people.connect_person(bob)
    assert Identity.objects.get().is_enabled
    assert use_token(secret) is None
    assert authorized_keys(bob) == []
    assert client.get("/account/").status_code == 302


@pytest.mark.faults
def test_keycloak_down_changes_nothing_for_who_is_here(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], make_project: Callable[[str], Project], bob: User
) -> None:
    connected(bob)
    ensure_member(make_project("cardiac-mr"), bob, role=Role.MEMBER)
    group_sync.sweep()
    keycloak.is_down = True
    group_sync.sweep()
    assert Membership.objects.filter(user=bob).exists()
    assert Identity.objects.get().is_enabled


@pytest.mark.faults
@pytest.mark.parametrize("verb", ["remove_membership", "ensure_membership", "groups_of"])
def test_what_keycloak_refuses_about_one_person_keeps_nobody_else_waiting(
    keycloak: MemoryKeycloak,
    connected: Callable[[User], Identity],
    make_project: Callable[[str], Project],
    bob: User,
    charlie: User,
    admin: User,
    verb: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = make_project("cardiac-mr")
    bobs, charlies = connected(bob), connected(charlie)
    for user in (bob, charlie):
        ensure_member(project, user, role=Role.MEMBER)
    remove_member(project, bob, by=admin)
    answer = getattr(keycloak, verb)

    def refuse_bob(subject: str, *given: str) -> object:
        if subject == bobs.subject:
            raise KeycloakRefused(500, "unknown_error")
        return answer(subject, *given)

    monkeypatch.setattr(keycloak, verb, refuse_bob)
    keycloak.change(charlies.subject, is_enabled=False)
    group_sync.sweep()
    charlies.refresh_from_db()
    assert not charlies.is_enabled
    assert "MAIA:cardiac-mr" in keycloak.groups_of(charlies.subject)
    monkeypatch.undo()
    assert Removal.objects.filter(user=bob, done_at=None).exists() == (verb == "remove_membership")


def test_without_keycloak_the_sweep_does_nothing(db: None) -> None:
    group_sync.sweep()
