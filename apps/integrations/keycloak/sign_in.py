"""Signing in by OpenID Connect: a code is changed for an ID token, which must be what it has to be to be believed.

https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation. mozilla-django-oidc carries the flow; it checks
neither issuer nor audience and finds people by e-mail, so what it believes is replaced here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import jwt
import requests
import structlog
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from apps.integrations.keycloak import realm
from apps.integrations.keycloak.port import KeycloakUnreachable, timeouts, top_groups

log = structlog.get_logger(__name__)
ALGORITHM = "RS256"
CLOCKS_DIFFER_SECONDS = 10
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
CALLBACK = "keycloak_callback"


class SignInRefused(Exception):
    """Nobody is signed in; the sentence is for the person."""


@dataclass(frozen=True)
class Claims:
    """What a believed ID token says. `read_at`: the groups are at least as new as this."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str
    groups: frozenset[str]
    read_at: datetime


@dataclass(frozen=True)
class SignIn:
    """A sign-in that Keycloak has done, on the request of the view that completes it, as `keycloak_sign_in`."""

    claims: Claims
    id_token: str


def oidc_settings() -> dict[str, Any]:
    """What mozilla-django-oidc would read from the settings."""
    return {
        "OIDC_OP_AUTHORIZATION_ENDPOINT": realm.endpoint("auth"),
        "OIDC_OP_TOKEN_ENDPOINT": realm.endpoint("token"),
        "OIDC_OP_JWKS_ENDPOINT": realm.endpoint("certs"),
        "OIDC_OP_USER_ENDPOINT": realm.endpoint("userinfo"),
        "OIDC_RP_CLIENT_ID": settings.KEYCLOAK_CLIENT_ID,
        "OIDC_RP_CLIENT_SECRET": settings.KEYCLOAK_CLIENT_SECRET,
        "OIDC_RP_SIGN_ALGO": ALGORITHM,
        "OIDC_RP_SCOPES": "openid email profile",
        "OIDC_AUTHENTICATION_CALLBACK_URL": CALLBACK,
        "OIDC_TIMEOUT": timeouts(settings.KEYCLOAK_TIMEOUT_SECONDS),
        "OIDC_USE_PKCE": True,
        "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
    }


class FromOurSettings:
    """Makes a class of mozilla-django-oidc read `oidc_settings`."""

    @staticmethod
    def get_settings(attr: str, *default: Any) -> Any:
        return oidc_settings().get(attr, *default)


def callback_address() -> str:
    """Under the public address, whatever host the request names: Keycloak takes exactly one."""
    return settings.PUBLIC_URL + reverse(CALLBACK)


class TokenBackend(FromOurSettings, OIDCAuthenticationBackend, ABC):  # type: ignore[misc]
    """Changes the code for a believed ID token. Subclasses find the person (`find`).

    `authenticate` raises SignInRefused and KeycloakUnreachable.
    """

    @abstractmethod
    def find(self, claims: Claims) -> Any:
        """The person to sign in. Raises SignInRefused."""

    def authenticate(self, request: Any, **kwargs: Any) -> Any:
        self._asked_at = timezone.now()
        return super().authenticate(request, **kwargs)

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            granted = super().get_token({**payload, "redirect_uri": callback_address()})
        except requests.HTTPError as error:
            status = HTTPStatus.BAD_GATEWAY if error.response is None else error.response.status_code
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise KeycloakUnreachable from error
            log.warning("code refused", status=status)
            raise SignInRefused("Keycloak did not accept this sign-in any more: begin again.") from error
        except requests.RequestException as error:
            raise KeycloakUnreachable from error
        if not isinstance(granted, dict):
            raise KeycloakUnreachable
        return granted

    def verify_token(self, token: object, **kwargs: Any) -> dict[str, Any]:
        """The claims of an ID token that the realm issued to this client for this sign-in. Raises SignInRefused."""
        try:
            claims = self._decoded(token)
        except jwt.PyJWTError as error:
            raise _not_believed(type(error).__name__) from error
        if not constant_time_compare(str(claims["nonce"]), str(kwargs.get("nonce"))):
            raise _not_believed("nonce")
        if claims.get("azp", settings.KEYCLOAK_CLIENT_ID) != settings.KEYCLOAK_CLIENT_ID:
            raise _not_believed("azp")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
            raise _not_believed("azp")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any:
        claims = _parsed(payload, self._asked_at)
        self.request.keycloak_sign_in = SignIn(claims, id_token)
        return self.find(claims)

    def store_tokens(self, access_token: str, id_token: str) -> None:
        """Nothing is kept before it is known who the person is here."""

    def _decoded(self, token: object) -> dict[str, Any]:
        if not isinstance(token, str):
            raise jwt.DecodeError
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise jwt.InvalidAlgorithmError
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(str(header.get("kid"))),
            algorithms=[ALGORITHM],
            audience=settings.KEYCLOAK_CLIENT_ID,
            issuer=realm.issuer(),
            leeway=CLOCKS_DIFFER_SECONDS,
            options={"require": REQUIRED},
        )
        return claims


def _key(kid: str) -> jwt.PyJWK:
    for key in realm.signing_keys():
        if key.get("kid") == kid and key.get("kty") == "RSA" and key.get("use", "sig") == "sig":
            return jwt.PyJWK(key, algorithm=ALGORITHM)
    raise jwt.InvalidKeyError


def _not_believed(reason: str) -> SignInRefused:
    log.warning("token not believed", reason=reason)
    return SignInRefused("What Keycloak sent could not be proved to be meant for this sign-in: begin again.")


def _parsed(payload: dict[str, Any], read_at: datetime) -> Claims:
    email = str(payload.get("email") or "").lower()
    return Claims(
        issuer=str(payload["iss"]),
        subject=str(payload["sub"]),
        email=email,
        is_email_verified=payload.get("email_verified") is True,
        name=str(payload.get("name") or email),
        groups=_groups(payload.get("groups")),
        read_at=read_at,
    )


def _groups(claim: object) -> frozenset[str]:
    return top_groups(claim) if isinstance(claim, list) else frozenset()
