"""Many who sign in while Keycloak hangs."""

import socket
import threading

import pytest
from django.conf import LazySettings

from apps.integrations.keycloak import realm
from apps.integrations.keycloak.port import KeycloakUnreachable
from tests.accounts.keycloak_mode import use_keycloak
from tests.waiting import wait_until

pytestmark = [pytest.mark.attacks, pytest.mark.faults]
COMING = 12


def test_a_keycloak_that_hangs_holds_some_threads_and_not_all(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realm, "PLACE_SECONDS", 0.1)
    refused: list[bool] = []

    def ask() -> None:
        with pytest.raises(KeycloakUnreachable):
            realm.need_answer()
        refused.append(True)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_keycloak(settings, KEYCLOAK_URL=f"http://127.0.0.1:{silent.getsockname()[1]}", KEYCLOAK_TIMEOUT_SECONDS=30)
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(COMING)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(refused) == COMING - realm.PLACES, 20)
        hanging = [silent.accept()[0] for _ in range(realm.PLACES)]
        assert sum(thread.is_alive() for thread in threads) == realm.PLACES
        for connection in hanging:
            connection.close()
        for thread in threads:
            thread.join(timeout=20)
    assert len(refused) == COMING
