"""People by AUTH_MODE keycloak: found or made there, in the groups of their project, written to by Keycloak once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.accounts import identities
from apps.accounts.models import Identity, SshKey, User
from apps.accounts.selectors import authorized_keys
from apps.accounts.services import make_token, use_token
from apps.core import mail
from apps.core.models import Step
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.integrations.keycloak.port import KeycloakRefused
from apps.projects import groups
from apps.projects.members import LastOwner, remove_member
from apps.projects.models import Membership, Project, Removal
from apps.projects.services import ensure_member
from apps.provisioning import group_sync, people, plan, services, steps
from apps.provisioning.selectors import steps_for
from tests.accounts.keycloak_mode import use_keycloak
from tests.conftest import make_person
from tests.provisioning.test_provision import IDA, approved_project

OWNERS = "MAIA:prostate-atlas:owner"
NAMES = ["account", "identity", "membership", "groups", "archive", "invitation", "welcome", "ready"]
Role = Membership.Role


@pytest.fixture
def keycloak(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, db: None) -> MemoryKeycloak:
    use_keycloak(settings, KEYCLOAK_URL="https://keycloak.hospital.example")
    twin = MemoryKeycloak(portal_url=settings.PUBLIC_URL)
    monkeypatch.setattr(realm, "directory", lambda: twin)
    return twin


@pytest.fixture
def connected(keycloak: MemoryKeycloak) -> Callable[[User], Identity]:
    """Makes somebody of the portal known to Keycloak."""

    def make(user: User) -> Identity:
        return identities.connect(user, issuer=realm.issuer(), subject=keycloak.add(user.email).subject)

    return make


def advance_later(project: Project) -> bool:
    Step.objects.update(status_changed_at=timezone.now() - timedelta(hours=1), look_again_at=None)
    return services.advance(project)


def assert_one_of_everything(keycloak: MemoryKeycloak, project: Project) -> None:
    project.refresh_from_db()
    assert project.status == Project.Status.READY
    (person,) = keycloak.people.values()
    identity = Identity.objects.get()
    assert (identity.subject, identity.issuer) == (person.subject, realm.issuer())
    assert (identity.user.email, identity.user.has_usable_password()) == (IDA.email, False)
    assert keycloak.groups_of(person.subject) == {OWNERS, "MAIA:users"}
    assert {"MAIA:prostate-atlas", "MAIA:prostate-atlas:viewer"} <= keycloak.groups.keys()
    membership = Membership.objects.get()
    assert (membership.user, membership.role) == (identity.user, Role.OWNER)
    assert membership.grouped_at


def test_somebody_new_is_made_and_written_to(keycloak: MemoryKeycloak, mailoutbox: list[EmailMessage]) -> None:
    project = approved_project()
    assert [step.name for step in steps_for(project)] == NAMES
    assert services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert [sent.actions for sent in keycloak.mails] == [("VERIFY_EMAIL", "UPDATE_PASSWORD")]
    mail.sweep()
    assert "Sign in with Keycloak" in mailoutbox[0].body
    assert "/password/" not in mailoutbox[0].body


def test_somebody_whose_address_keycloak_has_verified_is_adopted(keycloak: MemoryKeycloak) -> None:
    known = keycloak.add(IDA.email.upper())
    project = approved_project()
    services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert Identity.objects.get().subject == known.subject
    assert keycloak.mails == []


@pytest.mark.attacks
def test_somebody_whose_address_is_not_verified_is_not_adopted(keycloak: MemoryKeycloak) -> None:
    known = keycloak.add(IDA.email, is_email_verified=False)
    project = approved_project()
    assert not services.advance(project)
    assert "has not verified it" in steps_for(project)[1].last_error
    assert not Identity.objects.exists()
    assert not Membership.objects.exists()
    keycloak.change(known.subject, is_email_verified=True)
    services.retry(project, by=None)
    services.advance(project)
    assert_one_of_everything(keycloak, project)


@pytest.mark.attacks
def test_a_forged_mark_does_not_stand_for_a_proof(keycloak: MemoryKeycloak) -> None:
    known = keycloak.add(IDA.email, is_email_verified=False)
    for forged in ("", IDA.email, "1"):
        keycloak.change(known.subject, made_for=forged)
        project = Project.objects.first() or approved_project()
        services.retry(project, by=None)
        assert not services.advance(project)
    assert not Identity.objects.exists()


def test_somebody_disabled_is_not_adopted(keycloak: MemoryKeycloak) -> None:
    keycloak.add(IDA.email, is_enabled=False)
    project = approved_project()
    assert not services.advance(project)
    assert "disabled in Keycloak" in steps_for(project)[1].last_error


def test_one_person_there_is_not_two_here(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], alice: User
) -> None:
    hers = connected(alice)
    keycloak.change(hers.subject, email=IDA.email)
    project = approved_project()
    assert not services.advance(project)
    assert "another account" in steps_for(project)[1].last_error
    assert Identity.objects.get() == hers


def test_somebody_who_was_deleted_there_is_made_anew(keycloak: MemoryKeycloak) -> None:
    gone = identities.connect(
        User.objects.create_user(IDA.email, None, name=IDA.name), issuer=realm.issuer(), subject="gone"
    )
    project = approved_project()
    services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert not Identity.objects.filter(pk=gone.pk).exists()


@pytest.mark.parametrize("name", NAMES)
def test_each_step_may_run_twice(keycloak: MemoryKeycloak, name: str) -> None:
    project = approved_project()
    for step in NAMES[: NAMES.index(name) + 1]:
        steps.ACTIONS[step](project.pk)
    steps.ACTIONS[name](project.pk)
    services.advance(project)
    assert_one_of_everything(keycloak, project)
    assert len(keycloak.mails) == 1


@pytest.mark.faults
@pytest.mark.parametrize("verb", ["create_person", "ensure_group", "ensure_membership", "send_actions_mail"])
def test_a_worker_killed_after_a_word_to_keycloak_is_succeeded(
    keycloak: MemoryKeycloak, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Like SIGKILL: nothing may catch it."""

    done = getattr(keycloak, verb)

    def die(*args: object, **kwargs: object) -> None:
        done(*args, **kwargs)
        raise Killed

    project = approved_project()
    with monkeypatch.context() as dying:
        dying.setattr(keycloak, verb, die)
        with pytest.raises(Killed):
            services.advance(project)
    assert advance_later(project)
    assert_one_of_everything(keycloak, project)


@pytest.mark.faults
def test_keycloak_down_is_waited_for(keycloak: MemoryKeycloak) -> None:
    keycloak.is_down = True
    project = approved_project()
    for _ in range(7):
        assert not advance_later(project)
    assert "does not answer" in steps_for(project)[1].last_error
    keycloak.is_down = False
    assert advance_later(project)
    assert_one_of_everything(keycloak, project)


@pytest.mark.faults
def test_a_mail_that_keycloak_cannot_send_is_shown_and_tried_again(keycloak: MemoryKeycloak) -> None:
    keycloak.is_mail_broken = True
    project = approved_project()
    for _ in range(7):
        assert not advance_later(project)
    assert "Failed to send" in steps_for(project)[NAMES.index("invitation")].last_error
    keycloak.is_mail_broken = False
    assert advance_later(project)
    assert len(keycloak.mails) == 1


def test_local_accounts_take_no_step_at_keycloak(db: None) -> None:
    names = [name for name, _ in plan.steps_of_new_project()]
    assert not {"identity", "groups", "invitation"} & set(names)


# Members


def test_a_member_made_here_is_told_to_keycloak_and_not_dropped_before(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], make_project: Callable[[str], Project], bob: User
) -> None:
    his, project = connected(bob), make_project("cardiac-mr")
    ensure_member(project, bob, role=Role.MEMBER)
    groups.follow(bob, [], read_at=timezone.now())
    assert Membership.objects.filter(user=bob).exists()
    group_sync.sweep()
    group_sync.sweep()
    assert keycloak.groups_of(his.subject) == {"MAIA:cardiac-mr", "MAIA:users"}
    assert Membership.objects.get(user=bob).role == Role.MEMBER


def test_an_older_word_undoes_no_newer_one(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], make_project: Callable[[str], Project], bob: User
) -> None:
    connected(bob)
    project, before = make_project("cardiac-mr"), timezone.now()
    ensure_member(project, bob, role=Role.MEMBER)
    group_sync.sweep()
    groups.follow(bob, [], read_at=before)
    assert Membership.objects.filter(user=bob).exists()
    groups.follow(bob, [], read_at=timezone.now())
    assert not Membership.objects.filter(user=bob).exists()


def test_who_is_removed_leaves_the_group_and_does_not_come_back_by_an_older_word(
    keycloak: MemoryKeycloak,
    connected: Callable[[User], Identity],
    make_project: Callable[[str], Project],
    alice: User,
    bob: User,
) -> None:
    his, project = connected(bob), make_project("cardiac-mr")
    ensure_member(project, alice, role=Role.OWNER)
    ensure_member(project, bob, role=Role.MEMBER)
    group_sync.sweep()
    Identity.objects.update(signed_in_at=timezone.now())
    read_before = timezone.now()
    remove_member(project, bob, by=alice)
    remove_member(project, bob, by=alice)
    groups.follow(bob, ["MAIA:cardiac-mr"], read_at=timezone.now())
    assert not Membership.objects.filter(user=bob).exists()
    group_sync.sweep()
    assert keycloak.groups_of(his.subject) == {"MAIA:users"}
    groups.follow(bob, ["MAIA:cardiac-mr"], read_at=read_before)
    assert not Membership.objects.filter(user=bob).exists()
    group_sync.sweep()
    assert Removal.objects.get().done_at
    keycloak.ensure_membership(his.subject, "MAIA:cardiac-mr:viewer")
    group_sync.sweep()
    assert Membership.objects.get(user=bob).role == Role.VIEWER


def test_who_is_added_again_stays(
    keycloak: MemoryKeycloak,
    connected: Callable[[User], Identity],
    make_project: Callable[[str], Project],
    alice: User,
    bob: User,
) -> None:
    his, project = connected(bob), make_project("cardiac-mr")
    ensure_member(project, alice, role=Role.OWNER)
    ensure_member(project, bob, role=Role.MEMBER)
    group_sync.sweep()
    remove_member(project, bob, by=alice)
    ensure_member(project, bob, role=Role.VIEWER)
    group_sync.sweep()
    assert keycloak.groups_of(his.subject) == {"MAIA:cardiac-mr:viewer", "MAIA:users"}


def test_the_last_owner_is_not_removed(project: Project, alice: User, bob: User) -> None:
    with pytest.raises(LastOwner):
        remove_member(project, alice, by=alice)
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    remove_member(project, alice, by=alice)
    with pytest.raises(LastOwner):
        remove_member(project, bob, by=bob)


def test_the_highest_of_several_groups_counts(db: None) -> None:
    found = groups.roles_in(["MAIA:a:viewer", "MAIA:a", "MAIA:b", "MAIA:b:owner", "MAIA:c:viewer"])
    assert found == {"a": Role.MEMBER, "b": Role.OWNER, "c": Role.VIEWER}


def test_the_right_to_export_comes_and_goes_with_ownership(
    keycloak: MemoryKeycloak, make_project: Callable[[str], Project], bob: User
) -> None:
    make_project("cardiac-mr")
    for group, may_export in (("MAIA:cardiac-mr", False), ("MAIA:cardiac-mr:owner", True), ("MAIA:cardiac-mr", False)):
        groups.follow(bob, [group], read_at=timezone.now())
        assert Membership.objects.get(user=bob).may_export is may_export


# People at work


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
