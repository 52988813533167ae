"""Keycloak's twin in the place of Keycloak."""

from collections.abc import Callable

import pytest
from django.conf import LazySettings

from apps.accounts import identities
from apps.accounts.models import Identity, User
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.memory import MemoryKeycloak
from tests.accounts.keycloak_mode import use_keycloak


@pytest.fixture
def keycloak(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, db: None) -> MemoryKeycloak:
    use_keycloak(settings, KEYCLOAK_URL="https://keycloak.hospital.example")
    twin = MemoryKeycloak(portal_url=settings.PUBLIC_URL)
    monkeypatch.setattr(realm, "directory", lambda: twin)
    return twin


@pytest.fixture
def connected(keycloak: MemoryKeycloak) -> Callable[[User], Identity]:
    """Makes somebody of the portal known to Keycloak."""

    def make(user: User) -> Identity:
        return identities.connect(user, issuer=realm.issuer(), subject=keycloak.add(user.email).subject)

    return make
