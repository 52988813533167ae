"""What a caller may rely on, whichever side of the port it is: run on the twin here, on the real server in tests/peers.

A module that imports these tests gives the fixtures `directory`, `new_email` and `mails_to`.
"""

import uuid
from collections.abc import Callable

import pytest

from apps.integrations.keycloak.port import (
    UPDATE_PASSWORD,
    VERIFY_EMAIL,
    KeycloakDirectory,
    KeycloakRefused,
    Person,
    PersonExists,
    PersonMissing,
)

RETURN_TO = "http://portal.example/account/login/"
NOBODY = str(uuid.UUID(int=0))
NewEmail = Callable[[], str]


@pytest.fixture
def new_email() -> NewEmail:
    return lambda: f"ida-{uuid.uuid4().hex[:12]}@uni.example"


@pytest.fixture
def group() -> str:
    return f"MAIA:{uuid.uuid4().hex[:12]}"


@pytest.fixture
def ida(directory: KeycloakDirectory, new_email: NewEmail) -> Person:
    return directory.create_person(email=new_email(), name="Ida Berg (PI) <x>", made_for="a nonce")


def test_a_person_is_made_without_a_proof_of_the_address(directory: KeycloakDirectory, ida: Person) -> None:
    assert (ida.is_email_verified, ida.is_enabled, ida.made_for) == (False, True, "a nonce")
    assert directory.person(ida.subject) == ida


def test_people_are_found_by_the_whole_address_in_any_case(directory: KeycloakDirectory, ida: Person) -> None:
    assert directory.people_with_email(ida.email.upper()) == [ida]
    assert directory.people_with_email(ida.email[1:]) == []
    assert directory.people_with_email(ida.email.replace("ida", "id%")) == []


def test_an_address_is_one_persons(directory: KeycloakDirectory, ida: Person) -> None:
    with pytest.raises(PersonExists):
        directory.create_person(email=ida.email.upper(), name="Mallory", made_for="another")
    assert directory.people_with_email(ida.email) == [ida]


def test_an_address_is_kept_in_lower_case(directory: KeycloakDirectory, new_email: NewEmail) -> None:
    email = new_email()
    assert directory.create_person(email=email.upper(), name="Ida", made_for="").email == email


def test_nobody_has_an_unknown_subject(directory: KeycloakDirectory, group: str) -> None:
    assert directory.person(NOBODY) is None
    for verb in (
        lambda: directory.groups_of(NOBODY),
        lambda: directory.ensure_membership(NOBODY, group),
        lambda: directory.end_sessions(NOBODY),
        lambda: directory.send_actions_mail(NOBODY, [VERIFY_EMAIL], client_id="maia", return_to=RETURN_TO),
    ):
        with pytest.raises(PersonMissing):
            verb()


def test_memberships_are_made_twice_as_once(directory: KeycloakDirectory, ida: Person, group: str) -> None:
    assert directory.groups_of(ida.subject) == frozenset()
    for name in (group, f"{group}:owner"):
        directory.ensure_group(name)
        directory.ensure_group(name)
        directory.ensure_membership(ida.subject, name)
        directory.ensure_membership(ida.subject, name)
    assert directory.groups_of(ida.subject) == {group, f"{group}:owner"}


def test_a_membership_makes_its_group(directory: KeycloakDirectory, ida: Person, group: str) -> None:
    directory.ensure_membership(ida.subject, group)
    assert directory.groups_of(ida.subject) == {group}


def test_removing_is_of_one_group_and_twice_as_once(directory: KeycloakDirectory, ida: Person, group: str) -> None:
    for name in (group, f"{group}:owner"):
        directory.ensure_membership(ida.subject, name)
    for _ in range(2):
        directory.remove_membership(ida.subject, group)
    assert directory.groups_of(ida.subject) == {f"{group}:owner"}


def test_what_is_not_there_is_removed(directory: KeycloakDirectory, ida: Person, group: str) -> None:
    directory.remove_membership(ida.subject, group)
    directory.ensure_group(group)
    directory.remove_membership(ida.subject, group)
    directory.remove_membership(NOBODY, group)
    assert directory.groups_of(ida.subject) == frozenset()
    assert directory.person(NOBODY) is None


def test_a_group_is_removed_with_its_memberships_twice_as_once(
    directory: KeycloakDirectory, ida: Person, group: str
) -> None:
    directory.ensure_membership(ida.subject, group)
    directory.remove_group(group)
    directory.remove_group(group)
    assert directory.groups_of(ida.subject) == frozenset()
    directory.ensure_membership(ida.subject, group)
    assert directory.groups_of(ida.subject) == {group}


def test_the_groups_are_all_told(directory: KeycloakDirectory, ida: Person, group: str) -> None:
    names = {f"{group}-{number}" for number in range(12)}
    for name in names:
        directory.ensure_membership(ida.subject, name)
    assert directory.groups_of(ida.subject) == names


def test_everybody_and_every_group_are_told_by_pages(directory: KeycloakDirectory, ida: Person, group: str) -> None:
    directory.ensure_membership(ida.subject, group)
    directory.ensure_group(f"{group}:owner")
    assert {person.subject: person.is_enabled for person in directory.all_people()}[ida.subject]
    assert {group, f"{group}:owner"} <= directory.all_groups()
    assert directory.members_of(group) == {ida.subject}
    assert directory.members_of(f"{group}:owner") == directory.members_of(f"{group}:none") == frozenset()


def test_the_actions_are_asked_for_by_mail(
    directory: KeycloakDirectory, ida: Person, mails_to: Callable[[str], int]
) -> None:
    actions = [VERIFY_EMAIL, UPDATE_PASSWORD]
    directory.send_actions_mail(ida.subject, actions, client_id="maia", return_to=RETURN_TO)
    assert mails_to(ida.email) == 1


def test_a_mail_leads_back_to_the_portal_alone(directory: KeycloakDirectory, ida: Person) -> None:
    with pytest.raises(KeycloakRefused):
        directory.send_actions_mail(ida.subject, [VERIFY_EMAIL], client_id="maia", return_to="http://evil.example/")


def test_sessions_are_ended_also_when_there_are_none(directory: KeycloakDirectory, ida: Person) -> None:
    for _ in range(2):
        directory.end_sessions(ida.subject)
    assert directory.person(ida.subject) == ida
