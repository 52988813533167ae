"""A project keeps an owner who can act, whatever Keycloak's groups say; people hear what these change for them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.utils import timezone

from apps.accounts.models import Identity, User
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.projects import clock, groups
from apps.projects.members import LastOwner, change_role, leave
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.provisioning import group_sync

Role = Membership.Role
GROUP = "MAIA:cardiac-mr"


@dataclass
class Realm:
    """Keycloak, in which alice is the project's owner and bob a member, as here."""

    keycloak: MemoryKeycloak
    subjects: dict[int, str]

    def move(self, user: User, ending: str | None) -> None:
        """Into this group of the project and no other; None for none."""
        for one in ("", ":owner", ":viewer"):
            self.keycloak.remove_membership(self.subjects[user.pk], f"{GROUP}{one}")
        if ending is not None:
            self.keycloak.ensure_membership(self.subjects[user.pk], f"{GROUP}{ending}")
        group_sync.sweep()

    def groups_of(self, user: User) -> set[str]:
        return set(self.keycloak.groups_of(self.subjects[user.pk])) - {"MAIA:users"}


@pytest.fixture
def realm(
    keycloak: MemoryKeycloak, connected: Callable[[User], Identity], project: Project, alice: User, bob: User
) -> Realm:
    made = Realm(keycloak, {user.pk: connected(user).subject for user in (alice, bob)})
    group_sync.sweep()
    Mail.objects.all().delete()
    return made


def roles() -> dict[str, str]:
    return dict(Membership.objects.exclude(user__name="Vera").values_list("user__name", "role"))


def mails_to(user: User) -> list[str]:
    return list(Mail.objects.filter(to=user.email).order_by("pk").values_list("subject", flat=True))


@pytest.mark.parametrize("ending", [None, "", ":viewer"])
def test_the_last_owner_stays_one_and_keycloak_is_told(
    realm: Realm, alice: User, admin: User, ending: str | None
) -> None:
    realm.move(alice, ending)
    assert roles()["Alice"] == Role.OWNER
    group_sync.sweep()
    group_sync.sweep()
    assert realm.groups_of(alice) == {f"{GROUP}:owner"}
    assert mails_to(admin) == ["Alice is still the owner of Cardiac mr"]
    assert mails_to(alice) == []
    assert Entry.objects.filter(action="member.kept").count() == 1


def test_of_two_owners_one_may_go_by_the_groups(realm: Realm, alice: User, bob: User, admin: User) -> None:
    realm.move(bob, ":owner")
    realm.move(alice, None)
    realm.move(bob, "")
    assert roles() == {"Bob": Role.OWNER}
    assert mails_to(bob) == ["You have another role in the project Cardiac mr"]
    assert mails_to(alice) == ["You are no longer in the project Cardiac mr"]
    assert mails_to(admin) == ["Bob is still the owner of Cardiac mr"]


def test_who_joins_by_a_group_gets_a_mail(
    realm: Realm, connected: Callable[[User], Identity], charlie: User, keycloak: MemoryKeycloak
) -> None:
    keycloak.ensure_membership(connected(charlie).subject, f"{GROUP}:viewer")
    for _ in range(2):
        group_sync.sweep()
    (told,) = Mail.objects.filter(to=charlie.email)
    assert told.subject == "You are in the project Cardiac mr"
    assert "by your groups in Keycloak you are now a viewer" in told.text


def test_what_is_decided_here_has_no_second_mail_by_the_groups(realm: Realm, alice: User, bob: User) -> None:
    change_role(Membership.objects.get(user=bob), role=Role.VIEWER, by=alice)
    for _ in range(2):
        group_sync.sweep()
    assert realm.groups_of(bob) == {f"{GROUP}:viewer"}
    assert mails_to(bob) == []


def test_an_owner_who_is_disabled_in_keycloak_is_none_to_leave_the_project_to(
    realm: Realm, project: Project, alice: User, bob: User
) -> None:
    realm.move(bob, ":owner")
    realm.keycloak.change(realm.subjects[bob.pk], is_enabled=False)
    group_sync.sweep()
    with pytest.raises(LastOwner):
        leave(project, alice)
    realm.move(alice, None)
    assert roles()["Alice"] == Role.OWNER


@pytest.mark.parametrize("how", ["gone", "disabled", "deactivated"])
def test_administrators_learn_once_that_nobody_can_act_for_a_project(
    realm: Realm, project: Project, alice: User, bob: User, admin: User, how: str
) -> None:
    if how == "gone":
        del realm.keycloak.people[realm.subjects[alice.pk]]
    elif how == "disabled":
        realm.keycloak.change(realm.subjects[alice.pk], is_enabled=False)
    else:
        User.objects.filter(pk=alice.pk).update(is_active=False)
    group_sync.sweep()
    for _ in range(2):
        clock.sweep()
    assert mails_to(admin) == ["Cardiac mr has no owner any more"]
    change_role(Membership.objects.get(user=bob), role=Role.OWNER, by=admin)
    clock.sweep()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    clock.sweep()
    assert mails_to(admin) == ["Cardiac mr has no owner any more"] * 2


def test_a_project_that_is_being_deleted_takes_leave_of_its_members_itself(
    realm: Realm, project: Project, alice: User
) -> None:
    Project.objects.update(status=Project.Status.DELETING)
    groups.follow(alice, [], read_at=timezone.now())
    assert roles()["Alice"] == Role.OWNER
    assert mails_to(alice) == []


def test_an_owner_made_in_this_moment_is_not_forgotten(realm: Realm, project: Project, charlie: User) -> None:
    ensure_member(project, charlie, role=Role.OWNER)
    groups.follow(charlie, [], read_at=timezone.now())
    assert roles()["Charlie"] == Role.OWNER
