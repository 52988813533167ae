"""The portal's realm in the real Keycloak, as deploy/keycloak/realm.json has it, under a name of its own."""

import json
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template
from typing import Any

import requests

from apps.integrations.keycloak.client import KeycloakClient
from tests.peers.keycloak import Keycloak
from tests.peers.mail import Mail
from tests.peers.starting import LOOPBACK
from tests.portal import REPOSITORY

FILE = REPOSITORY / "deploy" / "keycloak" / "realm.json"


@dataclass(frozen=True)
class Realm:
    keycloak: Keycloak
    name: str
    portal_url: str
    client_secret: str
    service_secret: str

    @property
    def issuer(self) -> str:
        return self.keycloak.issuer(self.name)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a portal that uses this realm."""
        return {
            "AUTH_MODE": "keycloak",
            "KEYCLOAK_URL": self.keycloak.url,
            "KEYCLOAK_REALM": self.name,
            "KEYCLOAK_CLIENT_SECRET": self.client_secret,
            "KEYCLOAK_SERVICE_SECRET": self.service_secret,
        }

    def directory(self, **changed: Any) -> KeycloakClient:
        """The port, as the portal's service account has it."""
        own = {
            "url": self.keycloak.url,
            "realm": self.name,
            "client_id": "maia-service",
            "client_secret": self.service_secret,
            "timeout_seconds": 20,
        }
        return KeycloakClient(**{**own, **changed})

    def as_administrator(self, method: str, path: str, **sent: Any) -> requests.Response:
        """A request to the Admin API below the realm. Raises for an error."""
        return as_administrator(self.keycloak, method, f"/{self.name}{path}", **sent)

    def add_person(self, email: str, password: str, *, is_email_verified: bool = True, name: str = "Ida Berg") -> str:
        """Somebody whom the realm's administrator made; the subject."""
        first_name, _, last_name = name.partition(" ")
        row = {
            "username": email,
            "email": email,
            "firstName": first_name,
            "lastName": last_name,
            "enabled": True,
            "emailVerified": is_email_verified,
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
        return self.as_administrator("POST", "/users", json=row).headers["Location"].rpartition("/")[2]


def as_administrator(keycloak: Keycloak, method: str, path: str, **sent: Any) -> requests.Response:
    form = {"grant_type": "password", "client_id": "admin-cli", "username": keycloak.administrator}
    granted = requests.post(
        f"{keycloak.issuer('master')}/protocol/openid-connect/token",
        data={**form, "password": keycloak.password},
        timeout=30,
    ).json()
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    answer = requests.request(method, f"{keycloak.url}/admin/realms{path}", headers=bearer, timeout=60, **sent)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
    return answer


@contextmanager
def imported_realm(keycloak: Keycloak, *, portal_url: str, mail: Mail | None = None) -> Iterator[Realm]:
    """The realm of deploy/keycloak/realm.json for a portal at this address; removed when the block ends."""
    realm = Realm(keycloak, f"maia-{uuid.uuid4().hex[:8]}", portal_url, secrets.token_hex(16), secrets.token_hex(16))
    text = Template(FILE.read_text()).substitute(
        MAIA_URL=portal_url,
        MAIA_CLIENT_SECRET=realm.client_secret,
        MAIA_SERVICE_SECRET=realm.service_secret,
        MAIA_SMTP_HOST=LOOPBACK,
        MAIA_SMTP_PORT=str(mail.port if mail else 1),
        MAIA_SMTP_FROM="keycloak@hospital.example",
    )
    as_administrator(keycloak, "POST", "", json={**json.loads(text), "realm": realm.name})
    try:
        yield realm
    finally:
        remove_realm(keycloak, realm.name)


def remove_realm(keycloak: Keycloak, name: str) -> None:
    """Whether it was made or not."""
    made = {
        row["realm"] for row in as_administrator(keycloak, "GET", "", params={"briefRepresentation": "true"}).json()
    }
    if name in made:
        as_administrator(keycloak, "DELETE", f"/{name}")
