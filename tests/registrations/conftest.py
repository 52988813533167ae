import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.accounts.models import User
from apps.core import mail
from apps.registrations import services
from apps.registrations.models import Registration
from apps.registrations.services import Application

Make = Callable[..., Registration]


def answers(**changed: object) -> dict[str, object]:
    """What Ida Berg writes into the form."""
    today = timezone.localdate()
    return {
        "name": "Ida Berg",
        "email": "ida.berg@uni.example",
        "affiliation": "Uppsala University",
        "purpose": "Zonal segmentation of 600 biparametric MR studies.",
        "project_name": "Prostate bpMRI atlas",
        "namespace": "prostate-atlas",
        "description": "",
        "principal_investigator": "Prof. Nils Ås",
        "cpus": 32,
        "memory_gib": 128,
        "gpus": 4,
        "storage_gib": 500,
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=400)).isoformat(),
        **changed,
    }


def grant(registration: Registration, **changed: object) -> dict[str, object]:
    """What an approver sends who changes nothing."""
    return {
        "version": registration.version,
        "cpus": registration.cpus,
        "memory_gib": registration.memory_gib,
        "gpus": registration.gpus,
        "storage_gib": registration.storage_gib,
        "ends_on": registration.ends_on.isoformat(),
        **changed,
    }


@pytest.fixture
def submitted(db: None) -> Make:
    """Makes a request whose address is not proved; keyword arguments change its fields."""

    def make(*, by: User | None = None, **changed: object) -> Registration:
        today = timezone.localdate()
        fields = {**answers(), "starts_on": today, "ends_on": today + timedelta(days=400), **changed}
        if by is not None:
            fields |= {"name": by.name, "email": by.email}
        return services.submit(Application(**fields), by=by)  # type: ignore[arg-type]

    return make


@pytest.fixture
def waiting(submitted: Make) -> Make:
    """Makes a request that waits for approval."""

    def make(*, by: User | None = None, **changed: object) -> Registration:
        registration = submitted(by=by, **changed)
        if by is None:
            services.confirm_address(registration)
        return registration

    return make


@pytest.fixture
def private_link(mailoutbox: list[EmailMessage]) -> Callable[[str], str]:
    """The path in the newest mail to this address."""

    def find(address: str) -> str:
        mail.sweep()
        texts = [message.body for message in mailoutbox if message.to == [address]]
        return re.findall(r"/requests/\S+", texts[-1])[-1]

    return find
