"""The OpenAPI document of `/api/v1/`, and how it names the two ways to sign in."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularJSONAPIView

schema = SpectacularJSONAPIView.as_view()
METHODS = {"get", "post", "put", "patch", "delete"}
# What any address may answer, whatever its view does: RFC 9110 15.5.
REFUSALS = {
    "401": "Not signed in, or the API token is unknown, expired or revoked.",
    "403": "You may not do this.",
    "404": "There is no such thing, or you may not see it.",
    "406": "Only JSON is answered.",
}
REFUSALS_OF_CONTENT = {
    "400": "The content is no JSON.",
    "413": "The content is too large.",
    "415": "Only JSON is taken.",
    "422": "The content cannot be used; the sentence says why.",
}
REFUSALS_OF_QUERY = {"422": "The query cannot be read; the sentence names what of it."}
# The web server's own answer, before the portal is asked.
TOO_LONG = {"description": "The address is too long.", "content": {"text/html": {"schema": {"type": "string"}}}}


def document_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds to each operation what the portal answers before a view is asked (a hook of drf-spectacular)."""
    for path in result["paths"].values():
        for operation in (path[method] for method in METHODS & path.keys()):
            refusals = REFUSALS | (REFUSALS_OF_CONTENT if "requestBody" in operation else {})
            if any(parameter["in"] == "query" for parameter in operation.get("parameters", [])):
                refusals |= REFUSALS_OF_QUERY
            for code, sentence in refusals.items():
                operation["responses"].setdefault(code, _refusal(sentence))
            operation["responses"].setdefault("414", TOO_LONG)
    return result


def _refusal(sentence: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": sentence, "content": content}


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}


class PersonalSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.authentication.PersonalSession"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
