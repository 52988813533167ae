"""The authentication backend of AUTH_MODE `keycloak`."""

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest

from apps.accounts import identities
from apps.accounts.models import User
from apps.integrations.keycloak.sign_in import Claims, TokenBackend


def is_in_use() -> bool:
    """Whether people sign in at Keycloak."""
    return bool(settings.AUTH_MODE == "keycloak")


def is_session_of_ours(request: HttpRequest) -> bool:
    """Whether this session was begun with a password of the portal."""
    return not str(request.session.get(BACKEND_SESSION_KEY, "")).endswith(KeycloakBackend.__name__)


class KeycloakBackend(TokenBackend):
    def find(self, claims: Claims) -> User:
        return identities.signed_in(claims)
