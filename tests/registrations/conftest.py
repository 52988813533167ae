import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from apps.accounts import terms
from apps.accounts.models import User
from apps.core import mail
from apps.projects.models import Project
from apps.registrations import services
from apps.registrations.applications import Application, JoinApplication
from apps.registrations.models import Registration

Make = Callable[..., Registration]


def answers(**changed: object) -> dict[str, object]:
    """What Ida Berg writes into the form."""
    today = timezone.localdate()
    return {
        "name": "Ida Berg",
        "email": "ida.berg@uni.example",
        "affiliation": "Uppsala University",
        "position": "Doctoral student",
        "purpose": "Zonal segmentation of 600 biparametric MR studies.",
        "project_name": "Prostate bpMRI atlas",
        "namespace": "prostate-atlas",
        "description": "",
        "principal_investigator": "Prof. Nils Ås",
        "principal_investigator_email": "nils.as@uni.example",
        "ethics_reference": "2026-01234-01",
        "cpus": 32,
        "memory_gib": 128,
        "gpus": 4,
        "gpu_type": "A100 80 GB",
        "storage_gib": 500,
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=400)).isoformat(),
        "environment_file": "",
        "terms": "on",
        **changed,
    }


def error_of(client: Client, **changed: object) -> str:
    """The one sentence that the form for a new project shows; nothing is written."""
    page = client.post("/register/", answers(**changed))
    assert page.status_code == 200
    assert not Registration.objects.exists()
    (messages,) = page.context["form"].errors.values()
    return " ".join(messages)


def join_answers(**changed: object) -> dict[str, object]:
    """What Jonas Lind writes who wants to join the project cardiac-mr."""
    return {
        "name": "Jonas Lind",
        "email": "jonas.lind@uni.example",
        "affiliation": "Lund University",
        "position": "Radiologist",
        "purpose": "Reading the studies of the second site.",
        "namespace": "cardiac-mr",
        "wanted_role": "member",
        "terms": "on",
        **changed,
    }


def without(fields: dict[str, object], *names: str) -> dict[str, object]:
    """The answers of somebody whose form does not have these fields."""
    return {name: value for name, value in fields.items() if name not in names}


def application(**changed: object) -> Application:
    """What Ida Berg asks for, or something else."""
    today = timezone.localdate()
    days = {"starts_on": today, "ends_on": today + timedelta(days=400)}
    fields = {**without(answers(), "terms"), "terms_version": terms.VERSION, **days, **changed}
    return Application(**fields)  # type: ignore[arg-type]


def join_application(**changed: object) -> JoinApplication:
    fields = {**without(join_answers(), "terms"), "terms_version": terms.VERSION, **changed}
    return JoinApplication(**fields)  # type: ignore[arg-type]


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


def decision(part: str, registration: Registration, **changed: object) -> dict[str, object]:
    """What the form at this part of the request's page sends."""
    said = {"approve/": {}, "reject/": {"reason": "No."}, "changes/": {"message": "Change."}}[part]
    sent = grant(registration) if part == "approve/" else {"version": registration.version}
    return {**sent, **said, **changed}


@pytest.fixture
def submitted(db: None) -> Make:
    """Makes a request whose address is not proved; keyword arguments change its fields."""

    def make(*, by: User | None = None, **changed: object) -> Registration:
        if by is not None:
            changed |= {"name": by.name, "email": by.email}
        return services.submit(application(**changed), by=by)

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
def joining(project: Project) -> Make:
    """Makes a request to join cardiac-mr that waits for its owners; keyword arguments change its fields."""

    def make(*, by: User | None = None, **changed: object) -> Registration:
        if by is not None:
            changed |= {"name": by.name, "email": by.email}
        registration = services.submit(join_application(**changed), by=by)
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
