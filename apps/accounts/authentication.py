from rest_framework import authentication, exceptions
from rest_framework.request import Request

from apps.accounts.bearer import CHALLENGE, token_of
from apps.accounts.keycloak import began_with_password
from apps.accounts.models import ApiToken, User


class BearerToken(authentication.BaseAuthentication):
    """`Authorization: Bearer …` for the API."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        token = token_of(header)
        if token is None:
            raise exceptions.AuthenticationFailed("This API token is unknown, expired or revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class PersonalSession(authentication.SessionAuthentication):
    """The browser's session; like all pages, the API is closed to a one-time password (see SignInRequired)."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        if found is None or (found[0].has_one_time_password and began_with_password(request)):
            return None
        return found
