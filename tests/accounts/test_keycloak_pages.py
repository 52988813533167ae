"""The pages of sign-in by AUTH_MODE keycloak, and the emergency sign-in beside it."""

import socket

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import identities, services
from apps.accounts.models import User
from apps.audit.models import Entry
from maia_dashboard import environment
from tests.accounts.issuer import running_issuer
from tests.accounts.keycloak_mode import use_keycloak
from tests.conftest import PASSWORD, ClientOf, is_signed_in
from tests.portal import free_port

PASSWORD_PAGES = (
    "account_change_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_reauthenticate",
)


@pytest.fixture(autouse=True)
def _keycloak(settings: LazySettings, db: None) -> None:
    use_keycloak(settings, KEYCLOAK_URL=f"http://127.0.0.1:{free_port()}")


def break_glass(client: Client, user: User, password: str = PASSWORD) -> object:
    return client.post(reverse("break_glass"), {"login": user.email, "password": password})


def test_sign_in_is_one_button_that_keeps_the_way(client: Client) -> None:
    page = client.get(reverse("account_login"), {"next": "/algorithms/"}).text
    assert "Sign in with Keycloak" in page
    assert 'name="next" value="/algorithms/"' in page
    assert 'type="password"' not in page


def test_a_password_is_not_taken_at_the_page_of_sign_in(client: Client, alice: User) -> None:
    client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert not is_signed_in(client)


def test_a_dead_keycloak_is_a_page_with_a_sentence(client: Client) -> None:
    answer = client.post(reverse("keycloak_start"))
    assert answer.status_code == 503
    assert "does not answer" in answer.text


@pytest.mark.faults
def test_a_keycloak_that_accepts_and_never_answers_is_given_up(client: Client, settings: LazySettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.KEYCLOAK_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings.KEYCLOAK_TIMEOUT_SECONDS = 0.2
        assert client.post(reverse("keycloak_start")).status_code == 503


@pytest.mark.faults
def test_another_realm_at_the_address_is_not_taken_for_ours(client: Client, settings: LazySettings) -> None:
    with running_issuer() as issuer:
        settings.KEYCLOAK_URL = issuer.url
        assert client.post(reverse("keycloak_start")).status_code == 302
        settings.KEYCLOAK_REALM = "another"
        assert client.post(reverse("keycloak_start")).status_code == 503


@pytest.mark.parametrize("name", PASSWORD_PAGES)
def test_pages_about_passwords_are_not_there(client: Client, alice: User, settings: LazySettings, name: str) -> None:
    assert client.get(reverse(name)).status_code in (302, 404)
    client.force_login(alice, backend="apps.accounts.keycloak.KeycloakBackend")
    assert client.get(reverse(name)).status_code == 404
    assert "Change password" not in client.get(reverse("accounts:account")).text


def test_no_link_sets_a_password(client: Client, alice: User) -> None:
    assert client.get(services.password_link(alice), follow=True).status_code == 404


def test_an_administrator_of_the_portal_breaks_the_glass(client: Client, admin: User) -> None:
    assert "while Keycloak cannot be used" in client.get(reverse("break_glass")).text
    break_glass(client, admin)
    assert is_signed_in(client)
    assert client.get(reverse("account_change_password")).status_code == 200


def test_the_first_administrator_changes_the_one_time_password_there(client: Client) -> None:
    made = services.ensure_first_administrator(email="root@hospital.example")
    assert made is not None
    break_glass(client, *made)
    assert client.get(reverse("dashboard:home"))["Location"] == reverse("account_change_password")
    assert client.get(reverse("account_change_password")).status_code == 200


def test_nobody_else_does_and_is_told_what_a_wrong_password_is_told(
    client: Client, alice: User, approver: User, admin: User
) -> None:
    for user in (alice, approver):
        assert "password you specified are not correct" in break_glass(client, user).text  # type: ignore[attr-defined]
        assert not is_signed_in(client)
    assert "password you specified are not correct" in break_glass(client, admin, "wrong").text  # type: ignore[attr-defined]
    tried = Entry.objects.filter(action="account.sign_in_failed", actor_pk=None).order_by("pk")
    assert [row.subject_pk for row in tried] == [alice.pk, approver.pk, admin.pk]


def test_an_administrator_by_a_group_does_not(client: Client, alice: User, admin: User) -> None:
    for user in (alice, admin):
        identity = identities.connect(user, issuer="https://issuer.example", subject=user.email)
        identities.note_reading(identity, [identities.ADMINISTRATORS], is_enabled=True, read_at=timezone.now())
    break_glass(client, alice)
    assert not is_signed_in(client)
    break_glass(client, admin)
    assert is_signed_in(client)


def test_with_local_accounts_none_of_it_is_there(client: Client, settings: LazySettings) -> None:
    settings.AUTH_MODE = "local"
    assert client.get(reverse("break_glass")).status_code == 404
    assert client.post(reverse("keycloak_start")).status_code == 404
    assert client.get(reverse("keycloak_callback")).status_code == 404
    assert "Sign in with Keycloak" not in client.get(reverse("account_login")).text


def test_other_pages_ask_keycloak_nothing(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    for name in ("dashboard:home", "accounts:account", "jobs:algorithms"):
        assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"AUTH_MODE": "ldap"}, "must be one of"),
        ({"AUTH_MODE": "keycloak"}, "needs KEYCLOAK_URL and KEYCLOAK_CLIENT_SECRET and KEYCLOAK_SERVICE_SECRET"),
    ],
)
def test_settings_fail_closed(changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(environment.SettingInvalid) as invalid:
        environment.read({"SECRET_KEY": "x", **changed})
    assert sentence in str(invalid.value)
