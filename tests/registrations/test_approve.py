"""Approving a request for a new project: what it makes, and what stops it whole."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core.models import Ledger
from apps.projects.models import Membership, Project
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.registrations.conftest import Make, grant
from tests.registrations.console import approve, path

Status = Registration.Status


@pytest.mark.django_db
def test_approving_makes_the_project_with_the_granted_values(
    approver: User, admin: User, client_of: ClientOf, waiting: Make
) -> None:
    registration = waiting()
    ends_on = timezone.localdate() + timedelta(days=100)
    page = approve(client_of(approver), registration, gpus=2, storage_gib=250, ends_on=ends_on.isoformat())
    assert "The portal is setting the project up" in page
    registration.refresh_from_db()
    project = Project.objects.get(namespace="prostate-atlas")
    allocation = project.allocation
    assert (registration.status, registration.project) == (Status.APPROVED, project)
    assert (project.status, project.ends_on) == (Project.Status.PROVISIONING, ends_on)
    assert (allocation.requested_gpus, allocation.granted_gpus) == (4, 2)
    assert (allocation.requested_storage_gib, allocation.granted_storage_gib) == (500, 250)
    assert (allocation.requested_cpus, allocation.granted_cpus) == (32, 32)
    assert "asked for: A100 80 GB" in client_of(admin).get(f"/projects/{project.namespace}/settings/").text
    assert (allocation.gpu_type, allocation.requested_at) == ("A100 80 GB", registration.created_at)
    assert Entry.objects.filter(
        action="registration.approved", actor_pk=approver.pk, project_pk=project.pk, subject_pk=registration.pk
    ).exists()


@pytest.mark.django_db
def test_the_approver_sees_it_through(
    approver: User, client_of: ClientOf, waiting: Make, sweeps: Callable[[], None], mailoutbox: list[EmailMessage]
) -> None:
    registration, client = waiting(), client_of(approver)
    assert f'hx-get="{path(registration, "progress/")}"' in approve(client, registration, gpus=2)
    assert client.get(path(registration, "progress/")).status_code == 200
    sweeps()
    assert client.get(path(registration, "progress/"))["HX-Refresh"] == "true"
    page = client.get(path(registration)).text
    assert "Set up" in page
    assert 'data-label="Granted">2<' in page
    membership = Membership.objects.get(project__namespace="prostate-atlas")
    assert (membership.user.email, membership.role, membership.may_export) == ("ida.berg@uni.example", "owner", True)
    assert (membership.user.affiliation, membership.user.position) == ("Uppsala University", "Doctoral student")
    assert "/account/password/reset/key/" in next(
        message.body for message in mailoutbox if "is set up" in message.subject
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("cpus", 0), ("cpus", ""), ("gpus", 129), ("memory_gib", "x"), ("storage_gib", -1), ("ends_on", "2001-01-01")],
)
def test_a_grant_out_of_bounds_gets_its_sentence(
    approver: User, client_of: ClientOf, waiting: Make, field: str, value: object
) -> None:
    registration = waiting()
    page = client_of(approver).post(path(registration, "approve/"), grant(registration, **{field: value}))
    assert list(page.context["grant_form"].errors) == [field]
    assert "field-error" in page.text
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_a_namespace_taken_meanwhile_stops_the_approval_whole(
    approver: User, client_of: ClientOf, waiting: Make, make_project: Callable[[str], Project]
) -> None:
    registration = waiting()
    make_project("prostate-atlas")
    page = approve(client_of(approver), registration)
    assert "Nothing was written. The namespace prostate-atlas has been taken meanwhile" in page
    registration.refresh_from_db()
    assert (registration.status, registration.project) == (Status.EMAIL_VERIFIED, None)
    assert registration.reserved_skeleton
    assert not Ledger.objects.exists()
    assert not Entry.objects.filter(action="registration.approved").exists()


@pytest.mark.django_db
def test_a_request_whose_address_is_not_proved_cannot_be_approved(
    approver: User, client_of: ClientOf, submitted: Make
) -> None:
    registration = submitted()
    assert "address is not proved: nobody can decide yet" in approve(client_of(approver), registration)
    registration.refresh_from_db()
    assert registration.status == Status.SUBMITTED
    assert not Project.objects.exists()
