"""What Keycloak says and what owners do here: neither undoes the other by an older word."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Identity, User
from apps.core.models import Step
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.projects import groups
from apps.projects.members import add_member, change_role, hand_over, leave, remove_member
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.provisioning import group_sync, members
from tests.conftest import ClientOf, make_person

Role = Membership.Role
Connected = Callable[[User], Identity]
GROUP = "MAIA:cardiac-mr"


@pytest.fixture
def project(make_project: Callable[[str], Project], connected: Connected, alice: User, bob: User) -> Project:
    """Set up, with alice as owner and bob as member, both known to Keycloak and told."""
    project = make_project("cardiac-mr")
    for user, role in ((alice, Role.OWNER), (bob, Role.MEMBER)):
        connected(user)
        ensure_member(project, user, role=role)
    group_sync.sweep()
    return project


def subject_of(user: User) -> str:
    return Identity.objects.get(user=user).subject


def groups_of(keycloak: MemoryKeycloak, user: User) -> set[str]:
    return set(keycloak.groups_of(subject_of(user))) - {"MAIA:users"}


def role_of(user: User) -> str:
    return Membership.objects.get(user=user).role


@pytest.fixture
def calls(keycloak: MemoryKeycloak, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The verbs that the twin is asked, in their order."""
    asked: list[str] = []

    def counting(verb: str) -> Callable[..., object]:
        done = getattr(keycloak, verb)

        def ask(*given: object, **named: object) -> object:
            asked.append(verb)
            return done(*given, **named)

        return ask

    for verb in ("person", "groups_of", "all_people", "all_groups", "members_of", "ensure_membership", "ensure_group"):
        monkeypatch.setattr(keycloak, verb, counting(verb))
    return asked


def test_a_role_that_an_owner_gives_goes_to_the_groups(
    project: Project, keycloak: MemoryKeycloak, alice: User, bob: User
) -> None:
    for role, ending in ((Role.OWNER, ":owner"), (Role.VIEWER, ":viewer"), (Role.MEMBER, "")):
        change_role(Membership.objects.get(user=bob), role=role, by=alice)
        members.sweep()
        assert groups_of(keycloak, bob) == {f"{GROUP}{ending}"}
        group_sync.sweep()
        assert role_of(bob) == role


def test_an_owner_hands_over_and_leaves_in_keycloak_too(
    project: Project, keycloak: MemoryKeycloak, alice: User, bob: User
) -> None:
    hand_over(project, to=bob, by=alice)
    leave(project, alice)
    for _ in range(2):
        members.sweep()
        group_sync.sweep()
    assert groups_of(keycloak, bob) == {f"{GROUP}:owner"}
    assert groups_of(keycloak, alice) == set()
    assert list(Membership.objects.values_list("user", "role")) == [(bob.pk, Role.OWNER)]


def test_somebody_new_joins_and_is_written_to_once(project: Project, keycloak: MemoryKeycloak, alice: User) -> None:
    requester = members.Requester(email="ida@uni.example", name="Ida Berg", affiliation="")
    change = members.join_person(project, requester, role=Role.VIEWER, by=alice)
    for _ in range(2):
        members.advance(change)
    assert groups_of(keycloak, change.user) == {f"{GROUP}:viewer"}
    assert [sent.subject for sent in keycloak.mails] == [subject_of(change.user)]


@pytest.mark.faults
def test_keycloak_down_is_waited_for_while_the_access_is_there_at_once(
    project: Project, keycloak: MemoryKeycloak, alice: User, charlie: User, client_of: ClientOf
) -> None:
    keycloak.is_down = True
    change = add_member(project, charlie, role=Role.MEMBER, by=alice)
    assert not members.advance(change)
    page = "/projects/cardiac-mr/members/"
    assert "Keycloak does not answer" in client_of(alice).get(page).content.decode()
    assert client_of(charlie).get(page).status_code == 200
    keycloak.is_down = False
    Step.objects.update(look_again_at=None)
    members.sweep()
    assert groups_of(keycloak, charlie) == {GROUP}


@pytest.mark.faults
@pytest.mark.parametrize("name", ["account", "identity", "groups", "invitation", "letter"])
def test_each_step_may_run_twice_and_after_the_person_has_left(
    project: Project, keycloak: MemoryKeycloak, alice: User, charlie: User, name: str
) -> None:
    change = add_member(project, charlie, role=Role.MEMBER, by=alice)
    members.ACTIONS[name](change.pk)
    members.ACTIONS[name](change.pk)
    members.advance(change)
    remove_member(project, charlie, by=alice)
    members.ACTIONS[name](change.pk)
    members.sweep()
    members.ACTIONS[name](change.pk)
    assert groups_of(keycloak, charlie) == set()


@pytest.mark.attacks
def test_groups_read_before_keycloak_took_somebody_out_bring_nobody_back(
    project: Project, keycloak: MemoryKeycloak, bob: User
) -> None:
    read_before = timezone.now()
    keycloak.remove_membership(subject_of(bob), GROUP)
    group_sync.sweep()
    assert not Membership.objects.filter(user=bob).exists()
    groups.follow(bob, [GROUP], read_at=read_before)
    assert not Membership.objects.filter(user=bob).exists()
    groups.follow(bob, [GROUP], read_at=timezone.now())
    assert role_of(bob) == Role.MEMBER


@pytest.mark.attacks
def test_groups_read_before_an_owner_changed_a_role_do_not_stand_for_having_been_told(
    project: Project, keycloak: MemoryKeycloak, alice: User, bob: User
) -> None:
    read_before = timezone.now()
    for role in (Role.VIEWER, Role.MEMBER):
        change_role(Membership.objects.get(user=bob), role=role, by=alice)
        groups.follow(bob, [GROUP], read_at=read_before)
    keycloak.remove_membership(subject_of(bob), GROUP)
    keycloak.ensure_membership(subject_of(bob), f"{GROUP}:viewer")  # by the teller of the first change
    group_sync.sweep()
    assert role_of(bob) == Role.MEMBER
    assert groups_of(keycloak, bob) == {GROUP}


@pytest.mark.race
def test_a_role_told_late_is_told_anew(
    project: Project, keycloak: MemoryKeycloak, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one worker tells Keycloak of a role, the owner gives another, which a second worker tells first."""
    change_role(Membership.objects.get(user=bob), role=Role.VIEWER, by=alice)
    done, met = keycloak.ensure_membership, []

    def meanwhile(subject: str, group: str) -> None:
        if group == f"{GROUP}:viewer" and not met:
            met.append(group)
            change_role(Membership.objects.get(user=bob), role=Role.OWNER, by=alice)
            group_sync.settle(keycloak, project, bob)
        done(subject, group)

    monkeypatch.setattr(keycloak, "ensure_membership", meanwhile)
    group_sync.settle(keycloak, project, bob)
    assert met
    group_sync.sweep()
    assert role_of(bob) == Role.OWNER
    assert groups_of(keycloak, bob) == {f"{GROUP}:owner"}


@pytest.mark.race
def test_who_is_added_again_while_being_taken_out_stays(
    project: Project, keycloak: MemoryKeycloak, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_member(project, bob, by=alice)
    done, met = keycloak.remove_membership, []

    def meanwhile(subject: str, group: str) -> None:
        if group == GROUP and not met:
            met.append(group)
            add_member(project, bob, role=Role.MEMBER, by=alice)
            group_sync.settle(keycloak, project, bob)
        done(subject, group)

    monkeypatch.setattr(keycloak, "remove_membership", meanwhile)
    group_sync.settle(keycloak, project, bob)
    assert met
    group_sync.sweep()
    group_sync.sweep()
    assert role_of(bob) == Role.MEMBER
    assert groups_of(keycloak, bob) == {GROUP}


def test_a_full_sync_asks_by_pages_and_never_person_by_person(
    project: Project, keycloak: MemoryKeycloak, connected: Connected, calls: list[str]
) -> None:
    def cost() -> int:
        calls.clear()
        group_sync.sweep()
        assert not {"person", "groups_of"} & set(calls)
        return len(calls)

    before = cost()
    for number in range(40):
        person = make_person(f"p{number}")
        connected(person)
        ensure_member(project, person, role=Role.MEMBER)
    assert cost() > before  # each of them is told once
    assert cost() == before


def test_only_who_is_not_as_before_is_read_alone(
    project: Project, keycloak: MemoryKeycloak, bob: User, calls: list[str]
) -> None:
    group_sync.sweep()
    keycloak.ensure_membership(subject_of(bob), f"{GROUP}:owner")
    calls.clear()
    group_sync.sweep()
    assert calls.count("person") == calls.count("groups_of") == 1
    assert role_of(bob) == Role.OWNER


def test_pages_that_were_torn_by_a_move_take_nobody_out(
    project: Project, keycloak: MemoryKeycloak, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the page of one group and that of the next, somebody moves: no page has the person."""
    members_of = keycloak.members_of
    monkeypatch.setattr(keycloak, "members_of", lambda group: members_of(group) - {subject_of(bob)})
    group_sync.sweep()
    assert role_of(bob) == Role.MEMBER


def test_a_project_that_is_gone_takes_nobody_in_by_a_group(project: Project, bob: User) -> None:
    Membership.objects.all().delete()
    Project.objects.update(status=Project.Status.DELETED)
    groups.follow(bob, [GROUP], read_at=timezone.now())
    assert not Membership.objects.exists()


def test_a_word_is_an_older_one_for_a_day(project: Project, keycloak: MemoryKeycloak, bob: User) -> None:
    keycloak.remove_membership(subject_of(bob), GROUP)
    group_sync.sweep()
    assert bob.removals.count() == 1
    groups.follow(bob, [], read_at=timezone.now() + timedelta(days=2))
    assert bob.removals.count() == 0


def test_no_page_asks_keycloak(project: Project, alice: User, calls: list[str], client_of: ClientOf) -> None:
    client, page = client_of(alice), "/projects/cardiac-mr/members/"
    pk = Membership.objects.get(user__name="Bob").pk
    calls.clear()
    for path in ("/", "/projects/cardiac-mr/", page, f"{page}invitations/", "/account/"):
        assert client.get(path).status_code == 200
    client.post(f"{page}{pk}/role/", {"role": "viewer"})
    client.post(f"{page}{pk}/remove/")
    assert calls == []
