"""Private links. The signature makes them, the nonce ends them; neither alone opens anything."""

import secrets

from django.core import signing
from django.urls import reverse

from apps.registrations.models import Registration

SIGNER = signing.Signer(salt="registrations.private-link", sep=".")


def new_nonce() -> str:
    return secrets.token_urlsafe(18)


def path_of(registration: Registration) -> str:
    """The private page of a request. Only its requester may get it: who has it acts as the requester."""
    token = SIGNER.sign_object([registration.pk, registration.nonce])
    return reverse("registrations:request", kwargs={"token": token})


def opened_by(token: str) -> tuple[int, str] | None:
    """Primary key and nonce of a token that this portal signed, or None."""
    try:
        pk, nonce = SIGNER.unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return pk, nonce
