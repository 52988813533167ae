"""The second factor of accounts with a password of the portal: one-time codes of an app, and recovery codes."""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.core.sealed import seal, unseal


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc]
    def get_totp_issuer(self) -> str:
        return f"MAIA {self._get_site_name()}"

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SecretUnreadable."""
        return unseal(encrypted_text)


def has_one(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user).exists())


def was_added(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    record("second_factor.added", actor=user.pk, subject=user, kind=authenticator.type)


def was_removed(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    record("second_factor.removed", actor=user.pk, subject=user, kind=authenticator.type)


def remove(user: User, *, by: User) -> bool:
    """Takes the second factor from a person who lost it. Whether there was one."""
    with transaction.atomic():
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if removed:
            record("second_factor.removed", actor=by.pk, subject=user)
    return bool(removed)
