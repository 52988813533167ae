from collections.abc import Iterator

import pytest

from tests.peers.keycloak import Keycloak
from tests.peers.keycloak.realm import Realm, imported_realm
from tests.peers.mail import Mail

PORTAL_URL = "http://portal.example"


@pytest.fixture(scope="session")
def realm(keycloak: Keycloak, mail: Mail) -> Iterator[Realm]:
    with imported_realm(keycloak, portal_url=PORTAL_URL, mail=mail) as realm:
        yield realm
