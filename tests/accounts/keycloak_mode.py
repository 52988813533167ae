"""The portal as it is by AUTH_MODE `keycloak`."""

from typing import Any

from django.conf import LazySettings

BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "apps.accounts.keycloak.KeycloakBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
DEFAULTS = {
    "AUTH_MODE": "keycloak",
    "AUTHENTICATION_BACKENDS": BACKENDS,
    "KEYCLOAK_REALM": "maia",
    "KEYCLOAK_CLIENT_ID": "maia",
    "KEYCLOAK_CLIENT_SECRET": "the client's secret",
    "KEYCLOAK_SERVICE_CLIENT_ID": "maia-service",
    "KEYCLOAK_SERVICE_SECRET": "the service account's secret",
    "KEYCLOAK_TIMEOUT_SECONDS": 10,
}


def use_keycloak(settings: LazySettings, **changed: Any) -> None:
    """For one test; `changed` names at least KEYCLOAK_URL."""
    for name, value in {**DEFAULTS, **changed}.items():
        setattr(settings, name, value)
