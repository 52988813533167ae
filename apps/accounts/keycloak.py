"""AUTH_MODE `keycloak`: the authentication backend, and the one place by which this room's doors reach Keycloak."""

import structlog
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest

from apps.accounts import identities
from apps.accounts.models import User
from apps.core.sealed import SecretUnreadable, seal, unseal
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.port import KeycloakRefused, KeycloakUnreachable
from apps.integrations.keycloak.realm import need_answer
from apps.integrations.keycloak.sign_in import (
    Claims,
    FromOurSettings,
    SignIn,
    SignInRefused,
    TokenBackend,
    callback_address,
)

__all__ = [
    "FromOurSettings",
    "KeycloakBackend",
    "KeycloakUnreachable",
    "SignIn",
    "SignInRefused",
    "callback_address",
    "need_answer",
]
log = structlog.get_logger(__name__)


def is_in_use() -> bool:
    """Whether people sign in at Keycloak."""
    return bool(settings.AUTH_MODE == "keycloak")


def began_with_password(request: HttpRequest) -> bool:
    """Whether this session was begun with a password of the portal, and not at Keycloak."""
    return not str(request.session.get(BACKEND_SESSION_KEY, "")).endswith(KeycloakBackend.__name__)


def account_address() -> str:
    """Where people look after their password and address in Keycloak."""
    return f"{realm.issuer()}/account/"


def sealed(id_token: str) -> str:
    """The ID token as a session keeps it, to end the session in Keycloak by it."""
    return seal(id_token)


def end_session(token: str) -> bool:
    """Ends the session in Keycloak that the sealed ID token belongs to. False when Keycloak did not do it."""
    try:
        realm.end_session(unseal(token))
    except (KeycloakUnreachable, KeycloakRefused, SecretUnreadable) as error:
        log.warning("session not ended in keycloak", reason=type(error).__name__)
        return False
    return True


class KeycloakBackend(TokenBackend):
    """Signs in whom Keycloak names."""

    def find(self, claims: Claims) -> User:
        return identities.signed_in(claims)

    def get_user(self, user_id: int) -> User | None:
        """Whose session it is; nobody's once the person is deactivated."""
        return User.objects.filter(pk=user_id, is_active=True).first()
