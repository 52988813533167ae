"""An approval at the real Keycloak: person, groups, Keycloak's mail, the password, the first sign-in."""

import re
import uuid
from html import unescape

import pytest
from django.conf import LazySettings
from django.urls import reverse

from apps.accounts.models import Identity, User
from apps.projects.members import remove_member
from apps.projects.models import Membership, Project
from apps.projects.services import create_project, ensure_member
from apps.provisioning import group_sync, services, steps
from apps.provisioning.plan import steps_of_new_project
from apps.provisioning.services import Requester
from tests.accounts.keycloak_mode import use_keycloak
from tests.peers.keycloak.browser import Browser
from tests.peers.keycloak.realm import Realm
from tests.peers.mail import Mail
from tests.plans import project_plan

pytestmark = [pytest.mark.peers, pytest.mark.django_db, pytest.mark.timeout(400)]
PASSWORD = "a long enough pass phrase"


@pytest.fixture(autouse=True)
def _portal(realm: Realm, settings: LazySettings) -> None:
    use_keycloak(settings, PUBLIC_URL=realm.portal_url, ALLOWED_HOSTS=["*"], **realm.settings)


@pytest.fixture
def email() -> str:
    return f"ida-{uuid.uuid4().hex[:12]}@uni.example"


def approved(email: str) -> Project:
    plan = project_plan(f"prostate-{uuid.uuid4().hex[:8]}", name="Prostate atlas")
    project = create_project(plan, by=None)
    services.open_for(project, Requester(email=email, name="Ida Berg", affiliation="Uppsala University"))
    return project


def follow_keycloaks_mail(browser: Browser, mail: Mail, email: str) -> None:
    """Opens the link, confirms, sets a password: as a person does."""
    (sent,) = mail.mails_to(email)
    body = sent.get_body(("plain",))
    assert body is not None
    link = re.search(rf"{browser.realm.issuer}\S+", body.get_content())
    assert link, body.get_content()
    page = browser.open(link[0])
    proceed = re.search(r'href="([^"]+action-token[^"]+)"', page.text)
    assert proceed, page.text
    page = browser.open(unescape(proceed[1]))
    done = browser.fill_in(page, {"password-new": PASSWORD, "password-confirm": PASSWORD})
    assert done.status_code in (200, 302), done.text


def test_from_the_approval_to_the_first_sign_in(realm: Realm, mail: Mail, email: str) -> None:
    project = approved(email)
    assert services.advance(project)
    identity = Identity.objects.get()
    directory = realm.directory()
    assert directory.groups_of(identity.subject) == {f"MAIA:{project.namespace}:owner", "MAIA:users"}
    follow_keycloaks_mail(Browser(realm), mail, email)
    person = directory.person(identity.subject)
    assert person is not None
    assert person.is_email_verified
    browser = Browser(realm)
    page = reverse("dashboard:project", args=[project.namespace])
    assert browser.sign_in(email, PASSWORD, next_page=page)["Location"] == page
    assert browser.portal.get(page).status_code == 200
    assert Membership.objects.get().role == Membership.Role.OWNER
    assert User.objects.get().pk == identity.user_id


def test_every_step_twice_is_once(realm: Realm, mail: Mail, email: str) -> None:
    project = approved(email)
    for name, _ in steps_of_new_project():
        steps.ACTIONS[name](project.pk)
        steps.ACTIONS[name](project.pk)
    services.advance(project)
    assert len(realm.directory().people_with_email(email)) == 1
    assert len(mail.mails_to(email)) == 1
    assert Identity.objects.count() == Membership.objects.count() == 1


@pytest.mark.attacks
def test_somebody_with_an_unverified_address_is_not_adopted(realm: Realm, email: str) -> None:
    subject = realm.add_person(email, PASSWORD, is_email_verified=False)
    project = approved(email)
    assert not services.advance(project)
    assert not Identity.objects.exists()
    realm.as_administrator("PUT", f"/users/{subject}", json={"emailVerified": True})
    services.retry(project, by=None)
    assert services.advance(project)
    assert Identity.objects.get().subject == subject


def test_who_is_removed_from_the_project_leaves_the_group(realm: Realm, email: str, bob: User) -> None:
    project = approved(email)
    services.advance(project)
    owner = Identity.objects.get()
    ensure_member(project, bob, role=Membership.Role.OWNER)
    remove_member(project, owner.user, by=bob)
    group_sync.sweep()
    assert realm.directory().groups_of(owner.subject) == {"MAIA:users"}
    assert not Membership.objects.filter(user=owner.user).exists()
