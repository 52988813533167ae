"""A membership here and one in a group there: each follows the other, and an older word undoes no newer one."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from apps.accounts.models import Identity, User
from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.projects import groups
from apps.projects.members import LastOwner, remove_member
from apps.projects.models import Membership, Project, Removal
from apps.projects.services import ensure_member
from apps.provisioning import group_sync

Role = Membership.Role


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


def test_the_last_owner_is_not_removed_here(project: Project, alice: User, bob: User) -> None:
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
    keycloak: MemoryKeycloak, make_project: Callable[[str], Project], alice: User, bob: User
) -> None:
    ensure_member(make_project("cardiac-mr"), alice, role=Role.OWNER)
    for group, may_export in (("MAIA:cardiac-mr", False), ("MAIA:cardiac-mr:owner", True), ("MAIA:cardiac-mr", False)):
        groups.follow(bob, [group], read_at=timezone.now())
        assert Membership.objects.get(user=bob).may_export is may_export
