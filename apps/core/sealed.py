"""Secrets at rest: text that the database holds only encrypted (Fernet), under a key that it does not hold."""

import base64
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models


class SecretUnreadable(Exception):
    """The stored secret was sealed under another key: CREDENTIALS_KEY, or SECRET_KEY where that is not set."""

    def __init__(self) -> None:
        super().__init__("A stored secret was sealed under another key: set CREDENTIALS_KEY to what it was before.")


def seal(text: str) -> str:
    return _cipher().encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """Raises SecretUnreadable."""
    try:
        return _cipher().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error


class SealedTextField(models.TextField):  # type: ignore[type-arg]
    """Text in Python, a Fernet token in the database. It cannot be searched by. Reading raises SecretUnreadable."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return unseal(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        return seal(value) if value else value


def _cipher() -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"maia credentials at rest")
    return Fernet(base64.urlsafe_b64encode(derived.derive(settings.CREDENTIALS_KEY.encode())))
