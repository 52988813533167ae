"""An invitation ends with its sender's right to invite, and no address gets more mails than a few a day."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import people
from apps.accounts.models import Identity, User
from apps.audit.models import Entry
from apps.core.models import Mail
from apps.projects import groups, inviters, lifecycle, members
from apps.projects.invitations import (
    MAILS_A_DAY,
    Invitee,
    MailedEnough,
    NoLongerValid,
    accept_as_newcomer,
    invite,
    invite_all,
    resend,
    revoke,
)
from apps.projects.members import TakesNobody
from apps.projects.models import Invitation, Membership, Project
from apps.projects.tasks import sweep
from tests.conftest import ClientOf
from tests.projects.conftest import row_of
from tests.projects.test_invitations import NEWCOMER, PAGE, invited, link

Role = Membership.Role
Status = Invitation.Status
IDA = "ida@uni.example"
Ending = Callable[[Project, User, User, User], None]


@pytest.fixture
def co_owned(project: Project, bob: User) -> Project:
    """alice and bob own it."""
    Membership.objects.filter(user=bob).update(role=Role.OWNER, grouped_at=timezone.now())
    return project


def deactivate(project: Project, alice: User, bob: User, admin: User) -> None:
    people.deactivate(bob, by=admin)


def disable_in_keycloak(project: Project, alice: User, bob: User, admin: User) -> None:
    Identity.objects.create(user=bob, issuer="https://keycloak", subject="bob", is_enabled=False)


def take_by_group(project: Project, alice: User, bob: User, admin: User) -> None:
    groups.follow(bob, [groups.group_of(project.namespace, Role.MEMBER)], read_at=timezone.now())


def demote(project: Project, alice: User, bob: User, admin: User) -> None:
    members.change_role(row_of(bob), role=Role.MEMBER, by=alice)


def remove(project: Project, alice: User, bob: User, admin: User) -> None:
    members.remove_member(project, bob, by=alice)


def leave(project: Project, alice: User, bob: User, admin: User) -> None:
    members.leave(project, bob)


@pytest.mark.parametrize("end", [demote, remove, leave, deactivate, disable_in_keycloak, take_by_group])
def test_invitations_end_with_the_senders_right_to_invite(
    co_owned: Project, alice: User, bob: User, admin: User, end: Ending
) -> None:
    kept, _ = invited(co_owned, alice, "kim@uni.example")
    ended, path = invited(co_owned, bob, IDA)
    end(co_owned, alice, bob, admin)
    shown = Client().get(path).content.decode()
    assert "It is no longer valid" in shown
    assert "accept/" not in shown
    refused = Client().post(f"{path}accept/", NEWCOMER, follow=True).content.decode()
    assert "This invitation is no longer valid: ask the project for another." in refused
    assert not User.objects.filter(email=IDA).exists()
    sweep()
    sweep()
    for invitation in (kept, ended):
        invitation.refresh_from_db()
    assert (kept.status, ended.status) == (Status.WAITING, Status.CLOSED)
    assert Entry.objects.get(action="invitation.closed").subject_pk == ended.pk
    assert "It is no longer valid" in Client().get(path).content.decode()


def test_who_accepts_before_the_sweep_is_refused(co_owned: Project, bob: User, admin: User) -> None:
    invitation, _ = invited(co_owned, bob, IDA)
    people.deactivate(bob, by=admin)
    with pytest.raises(NoLongerValid):
        accept_as_newcomer(invitation, name="Ida", affiliation="Uppsala")
    assert not User.objects.filter(email=IDA).exists()


def test_an_administrators_invitations_end_with_the_platform_role(project: Project, admin: User) -> None:
    invitation, _ = invited(project, admin, IDA)
    sweep()
    invitation.refresh_from_db()
    assert invitation.status == Status.WAITING
    User.objects.filter(pk=admin.pk).update(platform_role=User.PlatformRole.SUPPORT)
    sweep()
    invitation.refresh_from_db()
    assert invitation.status == Status.CLOSED


def test_owners_see_what_ended_and_invite_anew(co_owned: Project, alice: User, bob: User, client_of: ClientOf) -> None:
    invited(co_owned, bob, IDA)
    members.remove_member(co_owned, bob, by=alice)
    shown = client_of(alice).get(f"{PAGE}invitations/?status=closed").content.decode()
    assert "No longer valid" in shown
    assert "Send again" not in shown
    again, path = invited(co_owned, alice, IDA)
    assert again.is_open
    assert "Accept" in Client().get(path).content.decode()


def test_what_waits_is_handed_over_with_the_project(project: Project, alice: User, bob: User) -> None:
    invitation, path = invited(project, alice, IDA)
    members.hand_over(project, to=bob, by=alice)
    members.leave(project, alice)
    sweep()
    invitation.refresh_from_db()
    assert (invitation.status, invitation.invited_by) == (Status.WAITING, bob)
    assert Entry.objects.get(action="invitation.passed_on").detail == {"to": bob.pk, "count": 1}
    assert Client().post(f"{path}accept/", NEWCOMER).status_code == 302
    assert Membership.objects.get(user__email=IDA).role == Role.MEMBER


def test_one_address_gets_a_few_mails_a_day(project: Project, alice: User, client_of: ClientOf) -> None:
    for _ in range(MAILS_A_DAY):
        revoke(invite(project, Invitee(IDA, Role.VIEWER), by=alice), by=alice)
    sent = {"email": IDA, "role": "viewer", "name": ""}
    answer = client_of(alice).post(f"{PAGE}invite/", sent).content.decode()
    assert f"{IDA} got 5 invitations to this project today: go on tomorrow." in answer
    listed = client_of(alice).post(f"{PAGE}invite-many/", {"people": f"{IDA}\nkim@uni.example"}).content.decode()
    assert "Got 5 invitations today: go on tomorrow." in listed
    with pytest.raises(MailedEnough):
        invite_all(project, [Invitee("kim@uni.example", Role.VIEWER), Invitee(IDA, Role.VIEWER)], by=alice)
    assert Mail.objects.count() == MAILS_A_DAY
    yesterday = timezone.now() - timedelta(days=1)
    Invitation.objects.update(sent_at=yesterday)
    assert invite(project, Invitee(IDA, Role.VIEWER), by=alice).is_open


def test_sending_again_counts_and_begins_anew_the_next_day(
    project: Project, alice: User, make_project: Callable[[str], Project]
) -> None:
    invitation, _ = invited(project, alice, IDA)
    for _ in range(MAILS_A_DAY - 1):
        _let_pass(invitation, timedelta(minutes=2))
        assert resend(invitation, by=alice)
    _let_pass(invitation, timedelta(minutes=2))
    before = link()
    with pytest.raises(MailedEnough):
        resend(invitation, by=alice)
    assert (Mail.objects.count(), link()) == (MAILS_A_DAY, before)
    other = make_project("other")
    Membership.objects.create(project=other, user=alice, role=Role.OWNER)
    assert invite(other, Invitee(IDA, Role.VIEWER), by=alice).is_open
    _let_pass(invitation, timedelta(days=1))
    assert resend(invitation, by=alice)
    invitation.refresh_from_db()
    assert invitation.mails_that_day == 1


def test_a_project_that_was_suspended_meanwhile_invites_nobody(project: Project, alice: User, admin: User) -> None:
    stale = Project.objects.get(pk=project.pk)
    invitation, _ = invited(project, alice, "kim@uni.example")
    _let_pass(invitation, timedelta(minutes=2))
    lifecycle.suspend(project, by=admin, why="Pause")
    Mail.objects.all().delete()
    with pytest.raises(TakesNobody, match="suspended"):
        invite(stale, Invitee(IDA, Role.VIEWER), by=alice)
    invitation.project = stale
    with pytest.raises(TakesNobody, match="suspended"):
        resend(invitation, by=alice)
    assert not Mail.objects.exists()


def test_the_sweep_asks_once_however_many_wait(
    project: Project, alice: User, django_assert_num_queries: Callable[[int], object]
) -> None:
    invite_all(project, [Invitee(f"p{number}@uni.example", Role.VIEWER) for number in range(12)], by=alice)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        inviters.sweep()


def _let_pass(invitation: Invitation, time: timedelta) -> None:
    """Of the same day, unless it is a day that passes."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    earliest = midnight if time < timedelta(days=1) else now - time
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=max(now - time, earliest))
