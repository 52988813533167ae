"""Name, affiliation and position: one's own to change, on the page and by the API; a name from Keycloak is not."""

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from apps.accounts import identities
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.audit.services import changed
from apps.integrations.keycloak import realm
from tests.accounts.keycloak_mode import use_keycloak
from tests.conftest import ClientOf
from tests.portal import free_port

CHANGED = {"name": "Alice Åkesson", "affiliation": "Karolinska Institutet", "position": "Radiologist"}


@pytest.fixture
def from_keycloak(alice: User, settings: LazySettings) -> User:
    use_keycloak(settings, KEYCLOAK_URL=f"http://127.0.0.1:{free_port()}")
    identities.connect(alice, issuer=realm.issuer(), subject="alice")
    return alice


def save(client: Client, **fields: str) -> str:
    return client.post(reverse("accounts:change_profile"), fields, follow=True).text


def profile(user: User) -> dict[str, str]:
    user.refresh_from_db()
    return {name: getattr(user, name) for name in CHANGED}


def test_it_is_changed_and_what_was_before_is_recorded(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert "Your profile is changed." in save(client, **CHANGED)
    assert profile(alice) == CHANGED
    save(client, **CHANGED)
    entry = Entry.objects.get(action="account.profile_changed", actor_pk=alice.pk)
    before = {"name": "Alice", "affiliation": "", "position": ""}
    assert entry.detail == {"profile": {name: changed(before[name], CHANGED[name]) for name in CHANGED}}


def test_nothing_else_is(alice: User, client_of: ClientOf) -> None:
    save(client_of(alice), **CHANGED, email="root@hospital.example", platform_role="administrator", is_active="0")
    alice.refresh_from_db()
    assert (alice.email, alice.platform_role, alice.is_active) == ("alice@hospital.example", "", True)


@pytest.mark.attacks
@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "is required"), ("x" * 201, "at most 200"), ("Ali\nce", "on one line"), ("A\0", "Null characters")],
)
def test_a_name_is_one_line(alice: User, client_of: ClientOf, name: str, sentence: str) -> None:
    assert sentence in save(client_of(alice), **{**CHANGED, "name": name})
    assert profile(alice)["name"] == "Alice"


def test_a_name_from_keycloak_is_shown_and_changed_there(from_keycloak: User, client_of: ClientOf) -> None:
    client = client_of(from_keycloak)
    page = client.get(reverse("accounts:account")).text
    assert 'name="affiliation"' in page
    assert 'name="name"' not in page.split('id="ssh-keys"')[0]
    save(client, **CHANGED)
    assert profile(from_keycloak) == {**CHANGED, "name": "Alice"}
    answer = client.patch("/api/v1/account/", {"name": "Mallory"}, content_type="application/json")
    assert (answer.status_code, answer.json()["detail"]) == (422, "Your name is kept in Keycloak: change it there.")


def test_the_api_changes_what_it_is_given(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    answer = client.patch("/api/v1/account/", {"position": "Physicist"}, "application/json")
    assert answer.status_code == 200
    assert client.get("/api/v1/account/").json() == answer.json()
    assert {name: answer.json()[name] for name in ("email", "name", "position", "platform_role")} == {
        "email": alice.email,
        "name": "Alice",
        "position": "Physicist",
        "platform_role": "",
    }


@pytest.mark.attacks
@pytest.mark.parametrize(
    "sent",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": ["a"]},
        {"affiliation": None},
        [1],
        {"position": "Physicist", "email": "x@y.z"},
        {"position": "Physicist", "platform_role": "administrator"},
    ],
)
def test_the_api_refuses_what_is_no_profile(alice: User, client_of: ClientOf, sent: object) -> None:
    assert client_of(alice).patch("/api/v1/account/", sent, content_type="application/json").status_code == 422
    assert (profile(alice)["name"], profile(alice)["position"]) == ("Alice", "")
