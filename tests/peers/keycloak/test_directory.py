"""The suite of the Keycloak port on the real server, and what the service account cannot do."""

from collections.abc import Callable

import pytest

from apps.integrations.keycloak.client import KeycloakClient
from apps.integrations.keycloak.port import VERIFY_EMAIL, KeycloakRefused, KeycloakUnreachable, Person
from tests.integrations.keycloak_contract import *  # noqa: F403 - the suite and its fixtures
from tests.peers.keycloak.realm import Realm
from tests.peers.mail import Mail
from tests.portal import free_port

pytestmark = [pytest.mark.peers, pytest.mark.contract, pytest.mark.timeout(400)]


@pytest.fixture
def directory(realm: Realm) -> KeycloakClient:
    return realm.directory()


@pytest.fixture
def mails_to(mail: Mail) -> Callable[[str], int]:
    return lambda email: len(mail.mails_to(email))


def test_a_closed_port_is_unreachable(realm: Realm) -> None:
    with pytest.raises(KeycloakUnreachable):
        realm.directory(url=f"http://127.0.0.1:{free_port()}").people_with_email("ida@uni.example")


def test_a_wrong_secret_is_refused(realm: Realm) -> None:
    with pytest.raises(KeycloakRefused) as refused:
        realm.directory(client_secret="wrong").people_with_email("ida@uni.example")
    assert "service account" in str(refused.value)
    assert "wrong" not in str(refused.value)


def test_a_mail_that_cannot_go_is_refused(realm: Realm, ida: Person, directory: KeycloakClient) -> None:
    server = realm.as_administrator("GET", "").json()["smtpServer"]
    realm.as_administrator("PUT", "", json={"smtpServer": {**server, "port": "1"}})
    try:
        with pytest.raises(KeycloakRefused):
            directory.send_actions_mail(ida.subject, [VERIFY_EMAIL], client_id="maia", return_to=realm.portal_url)
    finally:
        realm.as_administrator("PUT", "", json={"smtpServer": server})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/clients"),
        ("GET", "/events"),
        ("POST", "/clients"),
        ("PUT", ""),
        ("GET", "/identity-provider/instances"),
    ],
)
def test_the_service_account_may_do_nothing_but_people_and_groups(
    directory: KeycloakClient, method: str, path: str
) -> None:
    with pytest.raises(KeycloakRefused) as refused:
        directory._call(method, path, **({"json": {}} if method != "GET" else {}))
    assert refused.value.status == 403


def test_the_realm_has_no_self_registration_and_holds_off_guessing(realm: Realm) -> None:
    row = realm.as_administrator("GET", "").json()
    assert (row["registrationAllowed"], row["bruteForceProtected"], row["duplicateEmailsAllowed"]) == (
        False,
        True,
        False,
    )
    (client,) = realm.as_administrator("GET", "/clients", params={"clientId": "maia"}).json()
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    assert not any("*" in address for address in client["redirectUris"])
    assert not client["directAccessGrantsEnabled"]
    assert not client["implicitFlowEnabled"]
    assert not client["publicClient"]
