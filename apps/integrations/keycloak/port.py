"""The port of a realm's people and groups: each verb a few requests, each with a timeout.

https://www.keycloak.org/docs-api/latest/rest-api/index.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

VERIFY_EMAIL = "VERIFY_EMAIL"
UPDATE_PASSWORD = "UPDATE_PASSWORD"  # noqa: S105 - Keycloak's word for a required action
CONNECT_SECONDS = 3


class KeycloakUnreachable(Exception):
    """No answer in time, or none that is Keycloak's: time mends it. The sentence names no address and no secret."""

    def __init__(self) -> None:
        super().__init__("Keycloak does not answer.")


class KeycloakRefused(Exception):
    """Keycloak answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(
            f"Keycloak refused it ({status}): {message}" if message else f"Keycloak refused it ({status})."
        )
        self.status = status


class PersonExists(KeycloakRefused):
    """Somebody in the realm has this e-mail address already."""


class PersonMissing(KeycloakRefused):
    """The realm has nobody with this subject."""


class ServiceAccountRefused(KeycloakRefused):
    """Keycloak does not accept the portal's own credentials, whatever they are to be used for."""


@dataclass(frozen=True)
class Person:
    """Somebody in the realm. `subject` is Keycloak's id, the `sub` of tokens; it never changes."""

    subject: str
    email: str
    is_email_verified: bool
    is_enabled: bool
    made_for: str = ""


def timeouts(timeout_seconds: float) -> tuple[float, float]:
    """Seconds to connect and to wait for an answer."""
    return min(CONNECT_SECONDS, timeout_seconds), timeout_seconds


def top_groups(paths: Iterable[object]) -> frozenset[str]:
    """The names of the groups that are in no other, of groups by their whole path: `/name`, `/above/name`.

    A group below another may have any name, by whoever may make it there.
    """
    known = [path for path in paths if isinstance(path, str)]
    return frozenset(path[1:] for path in known if path.startswith("/") and path.count("/") == 1)


class KeycloakDirectory(Protocol):
    """All verbs raise KeycloakUnreachable and KeycloakRefused."""

    def people_with_email(self, email: str) -> list[Person]:
        """Those with exactly this address, in any case."""
        ...

    def person(self, subject: str) -> Person | None:
        """None when there is nobody with this subject."""
        ...

    def create_person(self, *, email: str, name: str, made_for: str) -> Person:
        """Somebody without a password and with an unproved address. `made_for` is kept, readable only by
        administrators, so that who asked finds the person again. Raises PersonExists."""
        ...

    def all_people(self) -> Iterator[Person]:
        """Everybody in the realm, by pages, without `made_for`."""
        ...

    def all_groups(self) -> frozenset[str]:
        """Names of the groups at the top of the realm, by pages."""
        ...

    def members_of(self, group: str) -> frozenset[str]:
        """Subjects of those directly in the group, by pages; nobody's when there is no such group."""
        ...

    def ensure_group(self, group: str) -> None:
        """A group of this name at the top of the realm. Twice is once."""
        ...

    def remove_group(self, group: str) -> None:
        """With all memberships in it. What is gone already is as wished."""
        ...

    def ensure_membership(self, subject: str, group: str) -> None:
        """Makes the group when it is missing. Twice is once. Raises PersonMissing."""
        ...

    def remove_membership(self, subject: str, group: str) -> None:
        """What is gone already, the group or the person included, is as wished."""
        ...

    def groups_of(self, subject: str) -> frozenset[str]:
        """Names of the groups at the top of the realm that the person is directly in. Raises PersonMissing."""
        ...

    def send_actions_mail(self, subject: str, actions: Sequence[str], *, client_id: str, return_to: str) -> None:
        """Keycloak's own mail with a link to do the actions, which then leads to the client's address `return_to`.

        Raises PersonMissing, and KeycloakRefused when the realm's mail server does not take it.
        """
        ...

    def end_sessions(self, subject: str) -> None:
        """Ends all of the person's sessions in the realm. Raises PersonMissing."""
        ...
