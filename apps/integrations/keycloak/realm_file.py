"""The realm of deploy/keycloak/realm.json with this portal's addresses and secrets in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings

FILE = Path(settings.BASE_DIR) / "deploy" / "keycloak" / "realm.json"


def realm_document() -> dict[str, Any]:
    """As Keycloak imports it. It holds secrets."""
    values = {
        "MAIA_URL": settings.PUBLIC_URL,
        "MAIA_CLIENT_SECRET": settings.KEYCLOAK_CLIENT_SECRET,
        "MAIA_SERVICE_SECRET": settings.KEYCLOAK_SERVICE_SECRET,
        "MAIA_SMTP_HOST": settings.EMAIL_HOST,
        "MAIA_SMTP_PORT": str(settings.EMAIL_PORT),
        "MAIA_SMTP_FROM": settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">"),
    }
    document: dict[str, Any] = _filled(json.loads(FILE.read_text()), values)
    return {**document, "realm": settings.KEYCLOAK_REALM, "smtpServer": {**document["smtpServer"], **_mail_account()}}


def _mail_account() -> dict[str, str]:
    account = {"starttls": _flag(settings.EMAIL_USE_TLS), "ssl": _flag(settings.EMAIL_USE_SSL)}
    if not settings.EMAIL_HOST_USER:
        return account
    user, password = settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD
    return {**account, "auth": "true", "user": user, "password": password}


def _flag(value: object) -> str:
    return str(bool(value)).lower()


def _filled(part: Any, values: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return Template(part).substitute(values)
    if isinstance(part, list):
        return [_filled(item, values) for item in part]
    if isinstance(part, dict):
        return {name: _filled(item, values) for name, item in part.items()}
    return part
