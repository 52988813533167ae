"""The realm that the settings name: its addresses, and what needs no service account.

https://openid.net/specs/openid-connect-discovery-1_0.html, https://openid.net/specs/openid-connect-rpinitiated-1_0.html
"""

import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings

from apps.integrations.keycloak.client import KeycloakClient
from apps.integrations.keycloak.port import KeycloakDirectory, KeycloakRefused, KeycloakUnreachable, timeouts

PLACES, PLACE_SECONDS = 4, 1.0
"""So many threads of a process ask at once whether the realm answers, and others wait so long for a place."""
_places = threading.BoundedSemaphore(PLACES)


def issuer() -> str:
    """As the realm's tokens name it, in `iss`."""
    return f"{settings.KEYCLOAK_URL}/realms/{quote(settings.KEYCLOAK_REALM)}"


def endpoint(name: str) -> str:
    """The address of `auth`, `token`, `certs` or `logout`."""
    return f"{issuer()}/protocol/openid-connect/{name}"


def directory() -> KeycloakDirectory:
    return KeycloakClient(
        url=settings.KEYCLOAK_URL,
        realm=settings.KEYCLOAK_REALM,
        client_id=settings.KEYCLOAK_SERVICE_CLIENT_ID,
        client_secret=settings.KEYCLOAK_SERVICE_SECRET,
        timeout_seconds=settings.KEYCLOAK_TIMEOUT_SECONDS,
    )


def need_answer() -> None:
    """Raises KeycloakUnreachable unless the realm answers now, as the issuer that the settings name.

    Anybody may have this asked: a Keycloak that hangs holds some of the threads, and never all of them.
    """
    if not _places.acquire(timeout=PLACE_SECONDS):
        raise KeycloakUnreachable
    try:
        document = _json(f"{issuer()}/.well-known/openid-configuration")
    finally:
        _places.release()
    if not isinstance(document, dict) or document.get("issuer") != issuer():
        raise KeycloakUnreachable


def end_session(id_token: str) -> None:
    """Ends the session in the realm that the ID token was issued in.

    Sent by the portal itself, so that the token stands in no address. Raises KeycloakUnreachable and KeycloakRefused.
    """
    form = {"id_token_hint": id_token, "client_id": settings.KEYCLOAK_CLIENT_ID}
    answer = _send("POST", endpoint("logout"), data=form)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        raise KeycloakRefused(answer.status_code, "it did not end the session")


def signing_keys() -> list[dict[str, Any]]:
    """The realm's public keys (RFC 7517). Raises KeycloakUnreachable."""
    document = _json(endpoint("certs"))
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise KeycloakUnreachable
    return [key for key in keys if isinstance(key, dict)]


def _json(address: str) -> Any:
    """None for an error."""
    answer = _send("GET", address)
    try:
        return answer.json() if answer.ok else None
    except ValueError as error:
        raise KeycloakUnreachable from error


def _send(method: str, address: str, **sent: Any) -> requests.Response:
    try:
        return requests.request(
            method, address, timeout=timeouts(settings.KEYCLOAK_TIMEOUT_SECONDS), allow_redirects=False, **sent
        )
    except requests.RequestException as error:
        raise KeycloakUnreachable from error
