"""`manage.py keycloak`: the realm to import, whether it can be used, and accounts from before it."""

import io
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from apps.accounts.models import Identity, User
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.memory import MemoryKeycloak
from tests.accounts.keycloak_mode import use_keycloak
from tests.portal import free_port


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("keycloak", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _keycloak(settings: LazySettings) -> None:
    use_keycloak(settings, KEYCLOAK_URL=f"http://127.0.0.1:{free_port()}", PUBLIC_URL="https://maia.hospital.example")


def client_of(document: dict[str, Any], client_id: str) -> dict[str, Any]:
    return next(client for client in document["clients"] if client["clientId"] == client_id)


def test_the_realm_has_our_addresses_and_secrets(settings: LazySettings) -> None:
    settings.KEYCLOAK_CLIENT_SECRET = 'with "quotes" and ${more}'
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "mail.hospital.example", 587, True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "maia", "secret"
    settings.DEFAULT_FROM_EMAIL = "MAIA <maia@hospital.example>"
    text = said("realm")
    document = json.loads(text)
    client = client_of(document, "maia")
    assert client["secret"] == 'with "quotes" and ${more}'
    assert client["redirectUris"][0] == "https://maia.hospital.example/account/keycloak/callback/"
    assert document["smtpServer"] == {
        "host": "mail.hospital.example",
        "port": "587",
        "from": "maia@hospital.example",
        "fromDisplayName": "MAIA",
        "auth": "true",
        "starttls": "true",
        "ssl": "false",
        "user": "maia",
        "password": "secret",
    }
    assert "${MAIA" not in text


def test_without_secrets_there_is_no_realm(settings: LazySettings) -> None:
    settings.KEYCLOAK_CLIENT_SECRET = ""
    with pytest.raises(CommandError, match="KEYCLOAK_CLIENT_SECRET"):
        said("realm")


def test_a_dead_keycloak_is_told() -> None:
    with pytest.raises(CommandError, match="does not answer"):
        said("check")


def test_an_account_from_before_is_connected(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    twin = MemoryKeycloak(portal_url=settings.PUBLIC_URL)
    monkeypatch.setattr(realm, "directory", lambda: twin)
    known = twin.add(alice.email, is_email_verified=False)
    with pytest.raises(CommandError, match="has not verified it"):
        said("connect", alice.email)
    twin.change(known.subject, is_email_verified=True)
    assert "signs in at Keycloak" in said("connect", alice.email.upper())
    assert Identity.objects.get(user=alice).subject == known.subject
    assert not twin.mails
    said("connect", bob.email)
    assert twin.people[twin.mails[0].subject].email == bob.email
    with pytest.raises(CommandError, match="No active person"):
        said("connect", "nobody@hospital.example")
