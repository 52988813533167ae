"""The suite of the Keycloak port, on the realm in memory."""

from collections.abc import Callable

import pytest

from apps.integrations.keycloak.memory import MemoryKeycloak
from apps.integrations.keycloak.port import KeycloakUnreachable
from tests.integrations.keycloak_contract import *  # noqa: F403 - the suite and its fixtures

pytestmark = pytest.mark.contract


@pytest.fixture
def directory() -> MemoryKeycloak:
    return MemoryKeycloak()


@pytest.fixture
def mails_to(directory: MemoryKeycloak) -> Callable[[str], int]:
    return lambda email: sum(directory.people[mail.subject].email == email for mail in directory.mails)


def test_a_dead_server_is_unreachable(directory: MemoryKeycloak) -> None:
    directory.is_down = True
    with pytest.raises(KeycloakUnreachable):
        directory.people_with_email("ida@uni.example")
