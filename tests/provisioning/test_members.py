"""What follows from a change of the members on this machine: two steps at most, each of which may run twice or late."""

from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.accounts.models import User
from apps.core import ledger, mail
from apps.core.models import Ledger, Mail, Step
from apps.projects.members import AlreadyMember, add_member, change_role, remove_member
from apps.projects.models import Membership, MembershipChange, Project
from apps.provisioning import members
from apps.provisioning.plan import MEMBER
from apps.provisioning.services import Requester

Role = Membership.Role
IDA = Requester(email="Ida.Berg@uni.example", name="Ida Berg", affiliation="Uppsala University")


def states(change: MembershipChange) -> dict[str, str]:
    return {step.name: step.status for step in ledger.steps_of(MEMBER, change.pk)}


def test_somebody_known_by_an_address_alone_gets_an_account_and_one_mail(
    project: Project, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    change = members.join_person(project, IDA, role=Role.MEMBER, by=alice)
    membership = Membership.objects.get(project=project, user__email="ida.berg@uni.example")
    assert (membership.role, membership.may_export) == (Role.MEMBER, False)
    assert members.advance(change)
    assert states(change) == {"account": Step.Status.DONE, "letter": Step.Status.DONE}
    mail.sweep()
    (message,) = mailoutbox
    assert message.subject == "You are in the project Cardiac mr"
    assert "Alice has made you a member" in message.body
    assert "/account/password/reset/key/" in message.body
    with pytest.raises(AlreadyMember):
        members.join_person(project, IDA, role=Role.OWNER, by=alice)
    membership.refresh_from_db()
    assert membership.role == Role.MEMBER


def test_a_sweep_does_what_no_bell_was_heard_of(project: Project, alice: User, bob: User) -> None:
    change = change_role(Membership.objects.get(project=project, user=bob), role=Role.VIEWER, by=alice)
    assert change is not None
    for _ in range(2):
        members.sweep()
    change.refresh_from_db()
    assert change.done_at
    assert states(change) == {"letter": Step.Status.DONE}
    assert Mail.objects.filter(to=bob.email).count() == 1


def test_only_the_latest_of_several_changes_is_told(project: Project, alice: User, charlie: User) -> None:
    add_member(project, charlie, role=Role.MEMBER, by=alice)
    remove_member(project, charlie, by=alice)
    members.sweep()
    assert [sent.subject for sent in Mail.objects.filter(to=charlie.email)] == [
        "You are no longer in the project Cardiac mr"
    ]


def test_a_deactivated_person_stops_the_steps_until_somebody_retries(
    project: Project, alice: User, charlie: User
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    change = add_member(project, charlie, role=Role.MEMBER, by=alice)
    assert not members.advance(change)
    assert "deactivated" in ledger.steps_of(MEMBER, change.pk)[0].last_error
    assert not Mail.objects.exists()
    User.objects.filter(pk=charlie.pk).update(is_active=True)
    assert members.retry(change, by=alice)
    assert not members.retry(change, by=alice)
    assert members.advance(change)
    assert Mail.objects.filter(to=charlie.email).count() == 1


def test_what_the_end_of_the_project_has_overtaken_is_followed_no_longer(
    project: Project, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(change_pk: int) -> None:
        raise ledger.StepWaits("Not yet.")

    change = add_member(project, charlie, role=Role.MEMBER, by=alice)
    with monkeypatch.context() as waiting:
        waiting.setattr(members, "ACTIONS", {**members.ACTIONS, "letter": wait})
        assert not members.advance(change)
    Step.objects.filter(name="letter").update(look_again_at=timezone.now())
    assert members.FOLLOWING.waiting() == [change.pk]
    MembershipChange.objects.update(done_at=timezone.now())
    assert members.FOLLOWING.waiting() == []
    assert members.advance(change)
    assert not Mail.objects.exists()


@pytest.mark.parametrize("name", ["account", "letter"])
def test_each_step_may_run_twice(project: Project, alice: User, charlie: User, name: str) -> None:
    change = add_member(project, charlie, role=Role.MEMBER, by=alice)
    for _ in range(2):
        members.ACTIONS[name](change.pk)
    assert members.advance(change)
    assert Mail.objects.filter(to=charlie.email).count() == 1


@pytest.mark.faults
@pytest.mark.parametrize("name", ["account", "letter"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_died_at_a_step_is_succeeded(
    project: Project, alice: User, charlie: User, name: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Like SIGKILL: nothing in the ledger may catch it."""

    act = members.ACTIONS[name]

    def die(change_pk: int) -> None:
        if when == "after":
            act(change_pk)
        raise Killed

    change = add_member(project, charlie, role=Role.MEMBER, by=alice)
    with monkeypatch.context() as dying:
        dying.setattr(members, "ACTIONS", {**members.ACTIONS, name: die})
        with pytest.raises(Killed):
            members.advance(change)
    members.sweep()
    assert Ledger.objects.get().finished_at is None  # the claim of the dead still holds
    Step.objects.update(status_changed_at=timezone.now() - timedelta(hours=1))
    members.sweep()
    change.refresh_from_db()
    assert change.done_at
    assert Mail.objects.filter(to=charlie.email).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_bell_does_it_at_once(bells: list[str], project: Project, alice: User, charlie: User) -> None:
    change = add_member(project, charlie, role=Role.VIEWER, by=alice)
    change.refresh_from_db()
    assert change.done_at
    assert bells[0] == "provisioning.advance_member"
