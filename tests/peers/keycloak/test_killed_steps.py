"""The worker is killed by SIGKILL right after each word to the real Keycloak: one of everything, a mail or two."""

import os
import signal

import pytest

from apps.accounts.models import Identity
from apps.projects.models import Membership, Project
from apps.provisioning import services
from tests.killing import end_claims, exit_of_child, is_killed_after
from tests.peers.keycloak.realm import Realm
from tests.peers.keycloak.test_steps import _portal, approved, email
from tests.peers.mail import Mail

__all__ = ["_portal", "email"]
pytestmark = [
    pytest.mark.peers,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(400),
]
VERBS = ("create_person", "ensure_group", "ensure_membership", "remove_membership", "send_actions_mail")


@pytest.mark.parametrize("verb", VERBS)
def test_a_worker_killed_after_a_word(realm: Realm, mail: Mail, email: str, verb: str) -> None:
    project = approved(email)
    assert exit_of_child(lambda: _advance_and_die_after(project, verb)) == -signal.SIGKILL
    end_claims()
    services.sweep()
    project.refresh_from_db()
    assert project.status == Project.Status.READY
    (person,) = realm.directory().people_with_email(email)
    assert Identity.objects.get().subject == person.subject
    assert Membership.objects.get().grouped_at
    assert realm.directory().groups_of(person.subject) == {f"MAIA:{project.namespace}:owner", "MAIA:users"}
    assert len(mail.mails_to(email)) == (2 if verb == "send_actions_mail" else 1)


@pytest.mark.parametrize("name", ["identity", "groups", "invitation"])
def test_a_worker_killed_after_a_step(realm: Realm, mail: Mail, email: str, name: str) -> None:
    project = approved(email)
    assert is_killed_after(project, name)
    end_claims()
    services.sweep()
    project.refresh_from_db()
    assert project.status == Project.Status.READY
    assert len(realm.directory().people_with_email(email)) == len(mail.mails_to(email)) == 1


def _advance_and_die_after(project: Project, verb: str) -> None:
    from apps.integrations.keycloak.client import KeycloakClient

    done = getattr(KeycloakClient, verb)

    def die(self: KeycloakClient, *args: object, **kwargs: object) -> None:
        done(self, *args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(KeycloakClient, verb, die)
    services.advance(project)
