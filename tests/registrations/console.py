"""The console of requests, used as its pages' forms do."""

from django.test import Client

from apps.registrations.models import Registration
from tests.registrations.conftest import grant


def path(registration: Registration, part: str = "") -> str:
    return f"/approvals/{registration.pk}/{part}"


def approve(client: Client, registration: Registration, **changed: object) -> str:
    """Approves a new project, and returns the page that follows."""
    return client.post(path(registration, "approve/"), grant(registration, **changed), follow=True).text


def admit(client: Client, registration: Registration, role: str = "member") -> str:
    """Approves a request to join, and returns the page that follows."""
    sent = {"version": registration.version, "role": role}
    return client.post(path(registration, "approve/"), sent, follow=True).text
