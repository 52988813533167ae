"""The header `Authorization: Bearer …` (RFC 6750), by which programs send an API token."""

from apps.accounts import services
from apps.accounts.models import ApiToken

CHALLENGE = 'Bearer realm="MAIA"'


def token_of(header: str) -> ApiToken | None:
    """The token of an active person that the header opens now; None for another scheme too."""
    scheme, _, secret = header.partition(" ")
    return services.use_token(secret.strip()) if scheme.lower() == "bearer" else None
