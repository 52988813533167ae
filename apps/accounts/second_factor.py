"""The second factor of accounts with a password of the portal: one-time codes of an app, and recovery codes."""

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.core.sealed import SecretUnreadable, seal, unseal

SEALED = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


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


def is_readable(user: User) -> bool:
    """Whether codes can be checked: not what was sealed under another key."""
    try:
        for authenticator in Authenticator.objects.filter(user=user):
            unseal(authenticator.data[SEALED[authenticator.type]])
    except SecretUnreadable:
        return False
    return True


@contextmanager
def recorded(user: User, *, by: User) -> Iterator[None]:
    """Writes down what of the person's second factor has gone and come inside, in one transaction with it."""
    with transaction.atomic():
        before = _parts(user)
        yield
        after = _parts(user)
        for pk in before.keys() - after.keys():
            record("second_factor.removed", actor=by.pk, subject=user, kind=before[pk])
        for pk in after.keys() - before.keys():
            record("second_factor.added", actor=by.pk, subject=user, kind=after[pk])


def remove(user: User, *, by: User) -> bool:
    """Takes the second factor from a person who cannot use it. Whether there was one."""
    with recorded(user, by=by):
        removed, _ = Authenticator.objects.filter(user=user).delete()
    return bool(removed)


def _parts(user: User) -> dict[int, str]:
    return dict(Authenticator.objects.filter(user=user).values_list("pk", "type"))
