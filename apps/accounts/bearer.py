"""The header `Authorization: Bearer …` (RFC 6750), by which programs send an API token."""

from apps.accounts import services
from apps.accounts.models import ApiToken

CHALLENGE = 'Bearer realm="MAIA"'


def insufficient(scope: ApiToken.Scope) -> str:
    return f"This API token does not have the scope {scope}, which this needs."


def challenge_for(scope: ApiToken.Scope) -> str:
    """What the answer to a token without the scope carries (RFC 6750 3.1)."""
    return f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'


def token_of(header: str) -> ApiToken | None:
    """The token of an active person that the header opens now; None for another scheme too."""
    scheme, _, secret = header.partition(" ")
    return services.use_token(secret.strip()) if scheme.lower() == "bearer" else None
