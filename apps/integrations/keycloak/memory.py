"""A realm in memory, for tests; held to the real one by one suite of contract tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from apps.integrations.keycloak.port import KeycloakRefused, KeycloakUnreachable, Person, PersonExists, PersonMissing


@dataclass(frozen=True)
class ActionsMail:
    subject: str
    actions: tuple[str, ...]


@dataclass
class MemoryKeycloak:
    """What a test sets: `is_down`, and `is_mail_broken` as when the realm's mail server takes nothing."""

    portal_url: str = "http://portal.example"
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    mails: list[ActionsMail] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    is_down: bool = False
    is_mail_broken: bool = False

    def add(self, email: str, *, is_email_verified: bool = True, is_enabled: bool = True) -> Person:
        """Somebody whom the realm's own administrator made."""
        person = Person(str(uuid.uuid4()), email.lower(), is_email_verified, is_enabled)
        self.people[person.subject] = person
        return person

    def change(self, subject: str, **fields: object) -> None:
        self.people[subject] = replace(self.people[subject], **fields)  # type: ignore[arg-type]

    def people_with_email(self, email: str) -> list[Person]:
        self._answer()
        return [person for person in self.people.values() if person.email == email.lower()]

    def person(self, subject: str) -> Person | None:
        self._answer()
        return self.people.get(subject)

    def create_person(self, *, email: str, name: str, made_for: str) -> Person:
        if self.people_with_email(email):
            raise PersonExists(409, "somebody has this e-mail address")
        person = replace(self.add(email, is_email_verified=False), made_for=made_for)
        self.people[person.subject] = person
        return person

    def all_people(self) -> Iterator[Person]:
        self._answer()
        yield from [replace(person, made_for="") for person in self.people.values()]

    def all_groups(self) -> frozenset[str]:
        self._answer()
        return frozenset(self.groups)

    def members_of(self, group: str) -> frozenset[str]:
        self._answer()
        return frozenset(self.groups.get(group, ()))

    def ensure_group(self, group: str) -> None:
        self._answer()
        self.groups.setdefault(group, set())

    def remove_group(self, group: str) -> None:
        self._answer()
        self.groups.pop(group, None)

    def ensure_membership(self, subject: str, group: str) -> None:
        self.ensure_group(group)
        self._need(subject)
        self.groups[group].add(subject)

    def remove_membership(self, subject: str, group: str) -> None:
        self._answer()
        self.groups.get(group, set()).discard(subject)

    def groups_of(self, subject: str) -> frozenset[str]:
        self._need(subject)
        return frozenset(group for group, members in self.groups.items() if subject in members)

    def send_actions_mail(self, subject: str, actions: Sequence[str], *, client_id: str, return_to: str) -> None:
        self._need(subject)
        if not return_to.startswith(f"{self.portal_url}/"):
            raise KeycloakRefused(400, "Invalid redirect uri.")
        if self.is_mail_broken:
            raise KeycloakRefused(500, "Failed to send execute actions email")
        self.mails.append(ActionsMail(subject, tuple(actions)))

    def end_sessions(self, subject: str) -> None:
        self._need(subject)
        self.ended.append(subject)

    def _need(self, subject: str) -> None:
        self._answer()
        if subject not in self.people:
            raise PersonMissing(404, "there is no such person")

    def _answer(self) -> None:
        if self.is_down:
            raise KeycloakUnreachable
