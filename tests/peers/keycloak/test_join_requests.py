"""From a request to join, over the owner's approval, to the group at the real Keycloak and Keycloak's own mail."""

import uuid

import pytest
from django.test import Client

from apps.accounts.models import Identity, User
from apps.projects.models import Membership, Project
from apps.provisioning import members
from apps.registrations import links, services
from apps.registrations.models import Registration
from tests.peers.keycloak.realm import Realm
from tests.peers.keycloak.test_members import groups_of, owner, project
from tests.peers.keycloak.test_steps import _portal, email
from tests.peers.mail import Mail
from tests.registrations.conftest import join_application

__all__ = ["_portal", "email", "owner", "project"]
pytestmark = [pytest.mark.peers, pytest.mark.django_db, pytest.mark.timeout(400)]


@pytest.fixture
def request_to_join(project: Project) -> Registration:
    address = f"jonas-{uuid.uuid4().hex[:12]}@uni.example"
    registration = services.submit(join_application(namespace=project.namespace, email=address), by=None)
    services.confirm_address(registration)
    return registration


def test_an_admitted_person_is_in_the_group_and_gets_keycloaks_mail(
    realm: Realm,
    mail: Mail,
    owner: User,
    request_to_join: Registration,
) -> None:
    client = Client()
    client.force_login(owner)
    sent = {"version": request_to_join.version, "role": "viewer"}
    page = client.post(f"/approvals/{request_to_join.pk}/approve/", sent, follow=True).text
    assert "The requester is in the project" in page
    assert "Identity in Keycloak" in Client().get(links.path_of(request_to_join)).text
    members.sweep()
    services.sweep()
    request_to_join.refresh_from_db()
    assert request_to_join.status == Registration.Status.PROVISIONED
    person = Membership.objects.get(user__email=request_to_join.email, role=Membership.Role.VIEWER).user
    assert groups_of(realm, person) == {f"MAIA:{request_to_join.namespace}:viewer"}
    assert Identity.objects.get(user=person).invited_at is not None
    assert len(mail.mails_to(person.email)) == 1
