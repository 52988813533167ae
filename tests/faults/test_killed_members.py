"""The worker is killed by SIGKILL right after each step of a member's ledger: one account, one membership, one mail."""

import pytest

from apps.accounts.models import User
from apps.core.models import Mail, Step
from apps.projects.members import remove_member
from apps.projects.models import Membership, MembershipChange, Project
from apps.provisioning import members
from apps.provisioning.services import Requester
from tests.killing import end_claims, is_member_killed_after

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
IDA = Requester(email="ida@uni.example", name="Ida Berg", affiliation="Uppsala University")


@pytest.mark.parametrize("name", ["account", "letter"])
def test_a_worker_killed_after_a_step_of_joining(project: Project, alice: User, name: str) -> None:
    change = members.join_person(project, IDA, role=Membership.Role.MEMBER, by=alice)
    assert_one_of_everything_after_a_kill(change, name)
    assert Membership.objects.filter(user__email=IDA.email).count() == 1


def test_a_worker_killed_after_the_letter_of_leaving(project: Project, alice: User, bob: User) -> None:
    change = remove_member(project, bob, by=alice)
    assert change is not None
    assert_one_of_everything_after_a_kill(change, "letter")
    assert not Membership.objects.filter(user=bob).exists()


def assert_one_of_everything_after_a_kill(change: MembershipChange, name: str) -> None:
    assert is_member_killed_after(change, name)
    members.sweep()
    assert Step.objects.filter(status=Step.Status.RUNNING).count() == 1  # the claim of the dead worker still holds
    end_claims()
    members.sweep()
    change.refresh_from_db()
    assert change.done_at
    assert Mail.objects.filter(to=change.user.email).count() == 1
