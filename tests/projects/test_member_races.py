"""Two people at once: one effect, and the project never without an owner. Run on SQLite and on PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.core.state import IllegalTransition
from apps.projects import granting, groups, invitations, lifecycle, members
from apps.projects.invitations import Invitee
from apps.projects.members import MembersRefused
from apps.projects.models import Invitation, Membership, MembershipChange, Project
from apps.provisioning import members as ledger
from tests.conftest import make_person
from tests.projects.conftest import row_of
from tests.racing import at_once

Role = Membership.Role
Status = Invitation.Status
pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def owners() -> list[int]:
    return list(Membership.objects.filter(role=Role.OWNER).values_list("user", flat=True))


@pytest.fixture
def two_owners(project: Project, alice: User, bob: User) -> Project:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    return project


def test_of_the_last_two_owners_who_leave_one_stays(two_owners: Project, alice: User, bob: User) -> None:
    works = [lambda user=user: members.leave(two_owners, user) for user in (alice, bob)]  # type: ignore[misc]
    assert len(at_once(*works, refused=members.LastOwner)) == 1
    assert len(owners()) == 1
    assert MembershipChange.objects.count() == 1


def test_of_two_owners_who_remove_each_other_one_stays(two_owners: Project, alice: User, bob: User) -> None:
    refusals = at_once(
        lambda: members.remove_member(two_owners, bob, by=alice),
        lambda: members.remove_member(two_owners, alice, by=bob),
        refused=members.LastOwner,
    )
    assert len(refusals) == len(owners()) == 1


def test_of_two_owners_who_step_back_one_stays(two_owners: Project, alice: User, bob: User) -> None:
    rows = [row_of(alice), row_of(bob)]
    works = [lambda row=row: members.change_role(row, role=Role.MEMBER, by=row.user) for row in rows]  # type: ignore[misc]
    assert len(at_once(*works, refused=members.LastOwner)) == len(owners()) == 1


def test_a_removal_racing_a_role_change_removes(project: Project, alice: User, bob: User) -> None:
    row = row_of(bob)
    at_once(
        lambda: members.remove_member(project, bob, by=alice),
        lambda: members.change_role(row, role=Role.OWNER, by=alice),
        refused=members.NotMember,
    )
    assert not Membership.objects.filter(user=bob).exists()
    assert owners() == [alice.pk]
    assert MembershipChange.objects.order_by("-pk")[0].action == "leave"


def test_handing_over_to_two_people_at_once_leaves_an_owner(
    project: Project, alice: User, bob: User, vera: User
) -> None:
    works = [lambda user=user: members.hand_over(project, to=user, by=alice) for user in (bob, vera)]  # type: ignore[misc]
    assert len(at_once(*works, refused=members.NotOwner)) == 1
    assert len(owners()) == 1
    assert row_of(alice).role == Role.MEMBER


def test_somebody_added_four_times_at_once_is_added_once(project: Project, alice: User, charlie: User) -> None:
    def add() -> None:
        members.add_member(project, charlie, role=Role.MEMBER, by=alice)

    assert len(at_once(*[add] * 4, refused=members.AlreadyMember)) == 3
    assert MembershipChange.objects.filter(user=charlie).count() == 1


def test_an_owners_word_racing_a_sign_in_makes_no_deadlock(
    project: Project, make_project: Callable[[str], Project], alice: User, bob: User
) -> None:
    make_project("other")
    Membership.objects.filter(user=bob).update(grouped_at=timezone.now())
    row = row_of(bob)
    read_at = timezone.now()
    at_once(
        lambda: members.change_role(row, role=Role.VIEWER, by=alice),
        lambda: groups.follow(bob, ["MAIA:other", "MAIA:cardiac-mr"], read_at=read_at),
        lambda: groups.follow(bob, ["MAIA:other", "MAIA:cardiac-mr"], read_at=read_at),
        refused=members.NotMember,
    )
    assert Membership.objects.get(user=bob, project=project).role == Role.VIEWER
    assert Membership.objects.get(user=bob, project__namespace="other").role == Role.MEMBER


def test_an_invitation_accepted_twice_at_once_makes_one_member(project: Project, alice: User, charlie: User) -> None:
    invitation = invitations.invite(project, Invitee(charlie.email, Role.MEMBER), by=alice)
    works = [lambda: invitations.accept(Invitation.objects.get(pk=invitation.pk), by=charlie)] * 3
    assert len(at_once(*works, refused=MembersRefused)) == 2
    assert Membership.objects.filter(user=charlie).count() == MembershipChange.objects.count() == 1


def test_a_new_person_who_accepts_twice_at_once_is_one_person(project: Project, alice: User) -> None:
    invitation = invitations.invite(project, Invitee("ida@uni.example", Role.MEMBER), by=alice)

    def accept() -> None:
        fresh = Invitation.objects.select_related("project").get(pk=invitation.pk)
        invitations.accept_as_newcomer(fresh, name="Ida", affiliation="Uppsala")

    assert len(at_once(*[accept] * 3, refused=MembersRefused)) == 2
    assert User.objects.filter(email="ida@uni.example").count() == 1
    assert Membership.objects.filter(user__email="ida@uni.example").count() == 1


def test_accepting_racing_taking_back_is_one_or_the_other(project: Project, alice: User, charlie: User) -> None:
    invitation = invitations.invite(project, Invitee(charlie.email, Role.MEMBER), by=alice)
    refusals = at_once(
        lambda: invitations.accept(Invitation.objects.get(pk=invitation.pk), by=charlie),
        lambda: invitations.revoke(Invitation.objects.get(pk=invitation.pk), by=alice),
        refused=invitations.InvitationOver,
    )
    assert len(refusals) == 1
    invitation.refresh_from_db()
    assert Membership.objects.filter(user=charlie).exists() == (invitation.status == Status.ACCEPTED)


def test_accepting_racing_a_removal_makes_no_deadlock(project: Project, alice: User, charlie: User) -> None:
    invitation = invitations.invite(project, Invitee(charlie.email, Role.MEMBER), by=alice)
    members.add_member(project, charlie, role=Role.VIEWER, by=alice)
    at_once(
        lambda: invitations.accept(Invitation.objects.get(pk=invitation.pk), by=charlie),
        lambda: members.remove_member(project, charlie, by=alice),
        refused=invitations.InvitationOver,
    )
    invitation.refresh_from_db()
    assert not invitation.is_open


def test_more_time_racing_a_deletion_makes_no_deadlock(project: Project, alice: User, approver: User) -> None:
    later = project.ends_on + timedelta(days=90)
    asked = granting.ask_extension(project, ends_on=later, why="Two more scanners", by=alice)
    at_once(
        lambda: granting.grant_extension(asked, ends_on=later, by=approver),
        lambda: lifecycle.schedule_deletion(project, typed=project.namespace, by=alice),
        refused=IllegalTransition,
    )
    asked.refresh_from_db()
    project.refresh_from_db()
    assert project.status == Project.Status.DELETION_SCHEDULED
    assert (project.ends_on == later) == (asked.status == asked.Status.GRANTED)


def test_a_course_invited_twice_at_once_is_invited_once(project: Project, alice: User) -> None:
    course = [Invitee(f"p{number}@uni.example", Role.VIEWER) for number in range(20)]
    works = [lambda: invitations.invite_all(project, course, by=alice)] * 2
    assert len(at_once(*works, refused=invitations.AlreadyInvited)) == 1
    assert Invitation.objects.count() == Mail.objects.count() == 20


def test_nobody_is_invited_once_the_project_is_suspended(project: Project, alice: User, admin: User) -> None:
    """Each is asked with the project as it was before; what is invited was so before the suspension."""
    stale = [Project.objects.get(pk=project.pk) for _ in range(4)]
    at_once(
        *[
            partial(invitations.invite, stale[number], Invitee(f"p{number}@uni.example", Role.VIEWER), by=alice)
            for number in range(3)
        ],
        partial(lifecycle.suspend, stale[3], by=admin, why="Pause"),
        refused=members.TakesNobody,
    )
    actions = list(Entry.objects.filter(project_pk=project.pk).order_by("pk").values_list("action", flat=True))
    assert actions[-1] == "project.suspended"
    assert actions.count("invitation.made") == Invitation.objects.count()


def test_workers_at_once_do_each_step_of_a_change_once(project: Project, alice: User) -> None:
    change = members.add_member(project, make_person("dora"), role=Role.MEMBER, by=alice)
    at_once(*[lambda: ledger.advance(ledger.change_by_pk(change.pk))] * 4, refused=MembersRefused)
    ledger.sweep()
    change.refresh_from_db()
    assert change.done_at
    assert Mail.objects.count() == 1
