"""The whole way at the real Keycloak: its form posted, groups read again, both sides signed out, the server gone."""

import uuid
from collections.abc import Callable, Iterator

import pytest
import requests
from django.conf import LazySettings
from django.urls import reverse

from apps.accounts.models import Identity, User
from apps.audit.models import Entry
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.provisioning import group_sync
from tests.accounts.keycloak_mode import use_keycloak
from tests.conftest import make_person
from tests.peers.keycloak.browser import Browser
from tests.peers.keycloak.realm import Realm
from tests.portal import free_port

pytestmark = [pytest.mark.peers, pytest.mark.django_db, pytest.mark.timeout(400)]
PASSWORD = "a long enough pass phrase"


@pytest.fixture
def portal(realm: Realm, settings: LazySettings) -> None:
    use_keycloak(settings, PUBLIC_URL=realm.portal_url, ALLOWED_HOSTS=["*"], **realm.settings)


@pytest.fixture
def browser(realm: Realm, portal: None) -> Browser:
    return Browser(realm)


@pytest.fixture
def email() -> str:
    return f"ida-{uuid.uuid4().hex[:12]}@uni.example"


@pytest.fixture
def subject(realm: Realm, email: str) -> Iterator[str]:
    subject = realm.add_person(email, PASSWORD)
    yield subject
    realm.as_administrator("DELETE", f"/users/{subject}")


def test_a_member_of_everybody_signs_in_and_gets_an_account(
    realm: Realm, browser: Browser, email: str, subject: str
) -> None:
    realm.directory().ensure_membership(subject, "MAIA:users")
    answer = browser.sign_in(email, PASSWORD, next_page="/account/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert browser.is_signed_in()
    identity = Identity.objects.get()
    assert (identity.issuer, identity.subject, identity.user.email) == (realm.issuer, subject, email)
    assert (identity.user.name, identity.user.has_usable_password()) == ("Ida Berg", False)
    assert Entry.objects.filter(action="account.signed_in", actor_pk=identity.user_id).count() == 1


def test_somebody_unknown_is_told_what_to_do(realm: Realm, browser: Browser, email: str, subject: str) -> None:
    answer = browser.sign_in(email, PASSWORD)
    assert answer.status_code == 403
    assert "You have no account in this portal yet" in answer.text
    assert not browser.is_signed_in()
    assert not User.objects.exists()


def test_groups_are_roles_and_read_again_while_the_session_lives(
    realm: Realm, browser: Browser, email: str, subject: str, make_project: Callable[[str], Project]
) -> None:
    project, other = make_project("cardiac-mr"), make_project("cardiac")
    ensure_member(project, make_person("alice"), role=Membership.Role.OWNER)  # it keeps one without this person
    directory = realm.directory()
    for group in ("MAIA:users", "MAIA:cardiac-mr:owner", "MAIA:admin"):
        directory.ensure_membership(subject, group)
    browser.sign_in(email, PASSWORD)
    user = User.objects.get(email=email)
    assert Membership.objects.get(user=user).project == project
    assert Membership.objects.get(user=user).role == Membership.Role.OWNER
    assert user.is_administrator
    directory.remove_membership(subject, "MAIA:cardiac-mr:owner")
    directory.remove_membership(subject, "MAIA:admin")
    directory.ensure_membership(subject, "MAIA:cardiac:viewer")
    group_sync.sweep()
    user.refresh_from_db()
    assert not user.is_administrator
    rows = Membership.objects.filter(user=user)
    assert [(row.project, row.role) for row in rows] == [(other, Membership.Role.VIEWER)]
    assert browser.portal.get(reverse("dashboard:project", args=[project.namespace])).status_code == 404
    assert browser.is_signed_in()


@pytest.mark.attacks
def test_a_group_below_another_gives_nothing_whatever_its_name(
    realm: Realm, browser: Browser, email: str, subject: str
) -> None:
    realm.directory().ensure_membership(subject, "MAIA:users")
    above = _id(realm.as_administrator("POST", "/groups", json={"name": f"students-{subject}"}))
    below = _id(realm.as_administrator("POST", f"/groups/{above}/children", json={"name": "MAIA:admin"}))
    realm.as_administrator("PUT", f"/users/{subject}/groups/{below}")
    browser.sign_in(email, PASSWORD)
    assert not User.objects.get().is_administrator
    group_sync.sweep()
    assert not User.objects.get().is_administrator
    realm.as_administrator("DELETE", f"/groups/{above}")


def _id(answer: requests.Response) -> str:
    return answer.headers["Location"].rpartition("/")[2]


def test_who_is_disabled_there_is_signed_out_here(realm: Realm, browser: Browser, email: str, subject: str) -> None:
    realm.directory().ensure_membership(subject, "MAIA:users")
    browser.sign_in(email, PASSWORD)
    realm.as_administrator("PUT", f"/users/{subject}", json={"enabled": False})
    group_sync.sweep()
    assert not browser.is_signed_in()
    assert User.objects.get().is_active


def test_signing_out_is_at_both_sides_and_shows_no_token(
    realm: Realm, browser: Browser, email: str, subject: str
) -> None:
    realm.directory().ensure_membership(subject, "MAIA:users")
    browser.sign_in(email, PASSWORD)
    assert browser.is_known_to_keycloak()
    session = dict(browser.portal.session)
    assert not any(str(value).startswith("eyJ") for value in session.values())
    answer = browser.portal.post(reverse("account_logout"))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert not browser.is_signed_in()
    assert not browser.is_known_to_keycloak()


def test_a_code_opens_once(realm: Realm, browser: Browser, email: str, subject: str) -> None:
    realm.directory().ensure_membership(subject, "MAIA:users")
    back = browser.post_form(browser.begin(), email, PASSWORD)
    browser.come_back(back)
    browser.portal.post(reverse("account_logout"))
    assert browser.come_back(back).status_code == 403
    assert not browser.is_signed_in()


def test_a_code_does_not_open_another_browser(realm: Realm, browser: Browser, email: str, subject: str) -> None:
    realm.directory().ensure_membership(subject, "MAIA:users")
    victim = Browser(realm)
    victim.begin()
    victim.come_back(browser.post_form(browser.begin(), email, PASSWORD))
    assert not victim.is_signed_in()


def test_keycloak_gone_stops_sign_in_alone(
    realm: Realm, browser: Browser, email: str, subject: str, settings: LazySettings
) -> None:
    realm.directory().ensure_membership(subject, "MAIA:users")
    browser.sign_in(email, PASSWORD)
    settings.KEYCLOAK_URL = f"http://127.0.0.1:{free_port()}"
    group_sync.sweep()
    assert browser.is_signed_in()
    stranger = Browser(realm)
    assert stranger.portal.get(reverse("account_login")).status_code == 200
    answer = stranger.portal.post(reverse("keycloak_start"))
    assert answer.status_code == 503
    assert "Keycloak, where people sign in, does not answer" in answer.text
    left = browser.portal.post(reverse("account_logout"), follow=True)
    assert "You are signed out here" in left.text
    assert not browser.is_signed_in()
