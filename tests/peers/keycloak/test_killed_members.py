"""The worker is killed by SIGKILL right after each step of a member's ledger at the real Keycloak."""

import pytest

from apps.accounts.models import User
from apps.projects.members import remove_member
from apps.projects.models import Membership, MembershipChange, Project
from apps.provisioning import members
from tests.killing import end_claims, is_member_killed_after
from tests.peers.keycloak.realm import Realm
from tests.peers.keycloak.test_members import groups_of, joined, owner, project
from tests.peers.keycloak.test_steps import _portal, email
from tests.peers.mail import Mail

__all__ = ["_portal", "email", "owner", "project"]
pytestmark = [
    pytest.mark.peers,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(400),
]


@pytest.mark.parametrize("name", ["account", "identity", "groups", "invitation", "letter"])
def test_a_worker_killed_after_a_step_of_joining(
    realm: Realm, mail: Mail, project: Project, owner: User, name: str
) -> None:
    change = joined(project, owner)
    _killed_and_succeeded(change, name)
    assert groups_of(realm, change.user) == {f"MAIA:{project.namespace}"}
    assert len(realm.directory().people_with_email(change.user.email)) == 1
    assert len(mail.mails_to(change.user.email)) == 1
    assert Membership.objects.get(project=project, user=change.user).grouped_at


@pytest.mark.parametrize("name", ["groups", "letter"])
def test_a_worker_killed_after_a_step_of_leaving(realm: Realm, project: Project, owner: User, name: str) -> None:
    joining = joined(project, owner)
    assert members.advance(joining)
    change = remove_member(project, joining.user, by=owner)
    assert change is not None
    _killed_and_succeeded(change, name)
    assert groups_of(realm, change.user) == set()
    assert not Membership.objects.filter(project=project, user=change.user).exists()


def _killed_and_succeeded(change: MembershipChange, name: str) -> None:
    assert is_member_killed_after(change, name)
    end_claims()
    members.sweep()
    change.refresh_from_db()
    assert change.done_at
