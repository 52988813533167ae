"""Coming back by an invitation that one has sent oneself."""

import pytest

from apps.accounts.models import User
from apps.projects import members
from apps.projects.invitations import Invitee, invite
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member

Role = Membership.Role
pytestmark = pytest.mark.attacks


@pytest.fixture
def rogue(project: Project, charlie: User) -> User:
    ensure_member(project, charlie, role=Role.OWNER)
    return charlie


def test_who_is_removed_leaves_no_open_invitation(project: Project, rogue: User, alice: User) -> None:
    own = invite(project, Invitee("second.self@mail.example", Role.OWNER), by=rogue)
    other = invite(project, Invitee("ida.berg@uni.example", Role.MEMBER), by=alice)
    members.remove_member(project, rogue, by=alice)
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.status, other.status) == ("closed", "waiting")


def test_who_leaves_leaves_none_either(project: Project, rogue: User) -> None:
    invitation = invite(project, Invitee("ida.berg@uni.example", Role.MEMBER), by=rogue)
    members.leave(project, rogue)
    invitation.refresh_from_db()
    assert invitation.status == "closed"
