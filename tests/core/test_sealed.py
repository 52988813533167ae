"""Secrets at rest."""

from typing import Any

import pytest

from apps.core.sealed import SecretUnreadable, seal, unseal


def test_what_is_sealed_is_unreadable_and_comes_back() -> None:
    token = seal("a pass phrase")
    assert "pass" not in token
    assert unseal(token) == "a pass phrase"
    assert seal("a pass phrase") != token


def test_another_key_cannot_open_it(settings: Any) -> None:
    token = seal("a pass phrase")
    settings.CREDENTIALS_KEY = "another"
    with pytest.raises(SecretUnreadable, match="CREDENTIALS_KEY"):
        unseal(token)
