"""The realm by Keycloak's Admin REST API, as the service account of a client.

https://www.keycloak.org/docs-api/latest/rest-api/index.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

from apps.integrations.keycloak.port import (
    KeycloakRefused,
    KeycloakUnreachable,
    Person,
    PersonExists,
    PersonMissing,
    ServiceAccountRefused,
    timeouts,
    top_groups,
)

PAGE = 200
MADE_FOR = "maia_made_for"
SPARE_SECONDS = 20
LONGEST_NAME = 100
NOT_IN_NAMES = re.compile(r"[^\w\s.,'’-]")  # stricter than Keycloak's own person-name-prohibited-characters
PASSING = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


class KeycloakClient:
    """Not for several threads at once."""

    def __init__(self, *, url: str, realm: str, client_id: str, client_secret: str, timeout_seconds: float) -> None:
        self._token_address = f"{url}/realms/{quote(realm)}/protocol/openid-connect/token"
        self._admin = f"{url}/admin/realms/{quote(realm)}"
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._timeout = timeouts(timeout_seconds)
        self._session = requests.Session()
        self._token, self._token_until = "", 0.0
        self._group_ids: dict[str, str] = {}

    def people_with_email(self, email: str) -> list[Person]:
        query = {"email": email, "exact": "true", "briefRepresentation": "false"}
        found = [_person(row) for row in self._read("/users", query)]
        return [person for person in found if person.email.lower() == email.lower()]

    def person(self, subject: str) -> Person | None:
        try:
            return _person(self._read(f"/users/{quote(subject, safe='')}"))
        except PersonMissing:
            return None

    def create_person(self, *, email: str, name: str, made_for: str) -> Person:
        first_name, _, last_name = NOT_IN_NAMES.sub("", name).partition(" ")
        row = {
            "username": email.lower(),
            "email": email.lower(),
            "firstName": first_name[:LONGEST_NAME],
            "lastName": last_name[:LONGEST_NAME],
            "enabled": True,
            "emailVerified": False,
            "attributes": {MADE_FOR: [made_for]},
        }
        try:
            answer = self._call("POST", "/users", json=row)
        except KeycloakRefused as refused:
            if refused.status == HTTPStatus.CONFLICT:
                raise PersonExists(refused.status, "somebody has this e-mail address") from refused
            raise
        subject = answer.headers.get("Location", "").rpartition("/")[2]
        if not subject:
            raise KeycloakUnreachable
        return Person(subject, email.lower(), is_email_verified=False, is_enabled=True, made_for=made_for)

    def all_people(self) -> Iterator[Person]:
        yield from map(_person, self._pages("/users"))

    def all_groups(self) -> frozenset[str]:
        self._group_ids = {str(row["name"]): str(row["id"]) for row in self._pages("/groups")}
        return frozenset(self._group_ids)

    def members_of(self, group: str) -> frozenset[str]:
        group_id = self._group_id(group)
        members = self._pages(f"/groups/{group_id}/members") if group_id else ()
        return frozenset(str(row["id"]) for row in members)

    def ensure_group(self, group: str) -> None:
        if self._group_id(group):
            return
        try:
            self._call("POST", "/groups", json={"name": group})
        except KeycloakRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    def remove_group(self, group: str) -> None:
        group_id = self._group_id(group)
        if not group_id:
            return
        try:
            self._call("DELETE", f"/groups/{group_id}")
        except KeycloakRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
        self._group_ids.pop(group, None)

    def ensure_membership(self, subject: str, group: str) -> None:
        self.ensure_group(group)
        self._call("PUT", f"/users/{quote(subject, safe='')}/groups/{self._group_id(group)}")

    def remove_membership(self, subject: str, group: str) -> None:
        group_id = self._group_id(group)
        if not group_id:
            return
        try:
            self._call("DELETE", f"/users/{quote(subject, safe='')}/groups/{group_id}")
        except PersonMissing:
            return

    def groups_of(self, subject: str) -> frozenset[str]:
        return top_groups({row["path"] for row in self._pages(f"/users/{quote(subject, safe='')}/groups")})

    def send_actions_mail(self, subject: str, actions: Sequence[str], *, client_id: str, return_to: str) -> None:
        query = {"client_id": client_id, "redirect_uri": return_to}
        self._call("PUT", f"/users/{quote(subject, safe='')}/execute-actions-email", params=query, json=list(actions))

    def end_sessions(self, subject: str) -> None:
        self._call("POST", f"/users/{quote(subject, safe='')}/logout")

    def _group_id(self, group: str) -> str:
        """ "" when there is no such group."""
        if group not in self._group_ids:
            rows = self._read("/groups", {"search": group, "exact": "true", "max": PAGE})
            self._group_ids.update({str(row["name"]): str(row["id"]) for row in rows if row["name"] == group})
        return self._group_ids.get(group, "")

    def _pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        first = 0
        while True:
            page = self._read(path, {"first": first, "max": PAGE, "briefRepresentation": "true"})
            yield from page
            if len(page) < PAGE:
                return
            first += PAGE

    def _read(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        answer = self._call("GET", path, params=query)
        try:
            return answer.json()
        except ValueError as error:
            raise KeycloakUnreachable from error

    def _call(self, method: str, path: str, **sent: Any) -> requests.Response:
        bearer = {"Authorization": f"Bearer {self._access_token()}"}
        answer = self._send(method, self._admin + path, headers=bearer, **sent)
        if answer.status_code == HTTPStatus.NOT_FOUND and path.startswith("/users/"):
            raise PersonMissing(answer.status_code, "there is no such person")
        if not answer.ok:
            self._group_ids.clear()
            raise KeycloakRefused(answer.status_code, _message(answer))
        return answer

    def _access_token(self) -> str:
        if time.monotonic() >= self._token_until:
            form = {**self._credentials, "grant_type": "client_credentials"}
            answer = self._send("POST", self._token_address, data=form)
            if not answer.ok:
                raise ServiceAccountRefused(answer.status_code, "it does not accept the portal's service account")
            try:
                granted = answer.json()
                self._token = str(granted["access_token"])
                self._token_until = time.monotonic() + float(granted["expires_in"]) - SPARE_SECONDS
            except (ValueError, KeyError, TypeError) as error:
                raise KeycloakUnreachable from error
        return self._token

    def _send(self, method: str, address: str, **sent: Any) -> requests.Response:
        try:
            answer = self._session.request(method, address, timeout=self._timeout, allow_redirects=False, **sent)
        except requests.RequestException as error:
            raise KeycloakUnreachable from error
        if answer.status_code in PASSING:
            raise KeycloakUnreachable
        return answer


def _person(row: Mapping[str, Any]) -> Person:
    made_for = (row.get("attributes") or {}).get(MADE_FOR) or [""]
    return Person(
        subject=str(row["id"]),
        email=str(row.get("email") or ""),
        is_email_verified=row.get("emailVerified") is True,
        is_enabled=row.get("enabled") is True,
        made_for=str(made_for[0]),
    )


def _message(answer: requests.Response) -> str:
    """Keycloak's own words, as far as they are a short sentence."""
    try:
        said = answer.json()
    except ValueError:
        return ""
    words = said.get("errorMessage") or said.get("error_description") or said.get("error") if said else ""
    return str(words or "")[:200]
