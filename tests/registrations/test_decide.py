"""Deciding on a request: approve with granted values, reject with a reason, ask for changes; the first one counts."""

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from functools import partial

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core import mail
from apps.core.models import Ledger, Mail
from apps.projects.models import Membership, Project
from apps.registrations import decisions, links, namespaces, services
from apps.registrations.applications import Application
from apps.registrations.models import Registration
from tests.conftest import make_person
from tests.racing import at_once
from tests.registrations.conftest import Make, decision, grant

ClientOf = Callable[[User], Client]
Status = Registration.Status


def path(registration: Registration, part: str = "") -> str:
    return f"/approvals/{registration.pk}/{part}"


def approve(client: Client, registration: Registration, **changed: object) -> str:
    """Approves as the page's form would, and returns the page that follows."""
    return client.post(path(registration, "approve/"), grant(registration, **changed), follow=True).text


@pytest.mark.django_db
def test_the_page_shows_what_an_approver_needs(approver: User, client_of: ClientOf, waiting: Make) -> None:
    page = client_of(approver).get(path(waiting())).text
    for text in (
        "Zonal segmentation",
        "ida.berg@uni.example, address proved",
        "Uppsala University",
        "Prof. Nils Ås",
        "What happens on approval",
        "Archive for the images",
        "Waits for you",
        "Address proved",
    ):
        assert text in page
    assert page.count("btn-primary") == 1


@pytest.mark.django_db
def test_approving_makes_the_project_with_the_granted_values(
    approver: User, client_of: ClientOf, waiting: Make
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
def test_approving_twice_is_once_and_the_second_sees_who_was_first(
    approver: User, admin: User, client_of: ClientOf, waiting: Make
) -> None:
    registration = waiting()
    seen_before = grant(registration)
    approve(client_of(approver), registration)
    second = client_of(admin).post(path(registration, "approve/"), seen_before, follow=True).text
    assert re.search(r"Already approved by Anna at \d\d:\d\d, just now\.", second)
    again = client_of(approver).post(path(registration, "approve/"), seen_before, follow=True).text
    assert re.search(r"Already approved by you at \d\d:\d\d, just now\.", again)
    assert Project.objects.count() == 1
    assert registration.events().filter(to_status=Status.APPROVED).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["approve/", "reject/", "changes/"])
def test_a_decision_after_a_decision_changes_nothing(
    approver: User, admin: User, client_of: ClientOf, waiting: Make, part: str
) -> None:
    registration = waiting()
    sent = decision(part, registration)
    decisions.reject(Registration.objects.get(), reason="Not here.", by=admin)
    page = client_of(approver).post(path(registration, part), sent, follow=True).text
    assert "Already rejected by Admin at " in page
    registration.refresh_from_db()
    assert registration.status == Status.REJECTED
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_the_first_is_named_even_when_all_is_done(
    approver: User, admin: User, client_of: ClientOf, waiting: Make, sweeps: Callable[[], None]
) -> None:
    registration = waiting()
    approve(client_of(approver), registration)
    sweeps()
    assert "Already approved by Anna" in approve(client_of(admin), registration)


@pytest.mark.django_db
def test_nobody_decides_on_what_they_have_not_seen(
    approver: User, admin: User, client_of: ClientOf, waiting: Make
) -> None:
    registration = waiting()
    old = grant(registration)
    decisions.ask_for_changes(registration, message="Fewer GPUs.", by=admin)
    services.amend(registration, _edited(registration), by=None)
    page = client_of(approver).post(path(registration, "approve/"), old, follow=True).text
    assert "The request has changed since you opened it" in page
    assert not Project.objects.exists()
    assert "setting the project up" in approve(client_of(approver), registration)


def _edited(registration: Registration) -> Application:
    names = [field.name for field in fields(Application)]
    return Application(**{**{name: getattr(registration, name) for name in names}, "gpus": 99})


@pytest.mark.django_db
def test_a_garbled_version_is_refused(approver: User, client_of: ClientOf, waiting: Make) -> None:
    registration = waiting()
    answer = client_of(approver).post(path(registration, "approve/"), grant(registration, version="x"))
    assert answer.status_code == 404
    assert not Project.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["approve/", "reject/", "changes/"])
@pytest.mark.parametrize("way", ["signed in", "by address"])
def test_nobody_decides_on_an_own_request(admin: User, client_of: ClientOf, waiting: Make, part: str, way: str) -> None:
    registration = waiting(by=admin) if way == "signed in" else waiting(email=admin.email)
    client = client_of(admin)
    page = client.get(path(registration)).text
    assert "Your own request" in page
    assert "Approve</button>" not in page
    sent = decision(part, registration)
    assert "somebody else has to decide" in client.post(path(registration, part), sent, follow=True).text
    registration.refresh_from_db()
    assert registration.status == Status.EMAIL_VERIFIED
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


@pytest.mark.django_db
def test_a_rejection_needs_a_reason_and_mails_it(
    approver: User, client_of: ClientOf, waiting: Make, mailoutbox: list[EmailMessage]
) -> None:
    registration, client = waiting(), client_of(approver)
    empty = client.post(path(registration, "reject/"), {"version": registration.version, "reason": "  "})
    assert "details" in empty.text
    assert list(empty.context["reject_form"].errors) == ["reason"]
    page = client.post(
        path(registration, "reject/"), {"version": registration.version, "reason": "No ethics approval & no <b>."}
    )
    assert page["Location"] == path(registration)
    registration.refresh_from_db()
    assert registration.status == Status.REJECTED
    assert not registration.reserved_skeleton
    mail.sweep()
    message = mailoutbox[-1]
    assert message.to == ["ida.berg@uni.example"]
    assert "No ethics approval & no <b>." in message.body
    assert links.path_of(registration) in message.body


@pytest.mark.django_db
def test_changes_need_a_message_and_mail_it(
    approver: User, client_of: ClientOf, waiting: Make, mailoutbox: list[EmailMessage]
) -> None:
    registration, client = waiting(), client_of(approver)
    client.post(path(registration, "changes/"), {"version": registration.version, "message": ""})
    registration.refresh_from_db()
    assert registration.status == Status.EMAIL_VERIFIED
    client.post(path(registration, "changes/"), {"version": registration.version, "message": "Fewer GPUs, please."})
    registration.refresh_from_db()
    assert registration.status == Status.CHANGES_REQUESTED
    assert registration.reserved_skeleton
    mail.sweep()
    assert "Fewer GPUs, please." in mailoutbox[-1].body
    assert "Sent back for changes" in client.get(path(registration)).text


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["approve/", "reject/", "changes/", "retry/"])
def test_nothing_changes_by_get(approver: User, client_of: ClientOf, waiting: Make, part: str) -> None:
    assert client_of(approver).get(path(waiting(), part)).status_code == 405


@pytest.mark.django_db
def test_an_administrator_retries_a_failed_step_and_an_approver_does_not(
    approver: User, admin: User, alice: User, client_of: ClientOf, waiting: Make, sweeps: Callable[[], None]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    registration = waiting(email=alice.email)
    approve(client_of(approver), registration)
    sweeps()
    assert "Retry</button>" not in client_of(approver).get(path(registration)).text
    assert "Retry</button>" in client_of(admin).get(path(registration)).text
    assert client_of(approver).post(path(registration, "retry/")).status_code == 404
    User.objects.filter(pk=alice.pk).update(is_active=True)
    client_of(admin).post(path(registration, "retry/"))
    sweeps()
    registration.refresh_from_db()
    assert registration.status == Status.PROVISIONED


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_twenty_simultaneous_approvals_one_counts(bells: list[str], waiting: Make) -> None:
    registration = waiting()
    approvers = [make_person(f"approver{number}", User.PlatformRole.APPROVER) for number in range(20)]
    clients = [Client() for _ in approvers]
    for client, approver in zip(clients, approvers, strict=True):
        client.force_login(approver)
    pages: list[str] = []

    def decide(client: Client) -> None:
        pages.append(approve(client, registration))

    at_once(*[partial(decide, client) for client in clients])
    assert sum("Approved. The portal is setting" in page for page in pages) == 1
    assert sum("Already approved by Approver" in page for page in pages) == 19
    registration.refresh_from_db()
    assert registration.status == Status.PROVISIONED
    assert Project.objects.count() == Ledger.objects.count() == Membership.objects.count() == 1
    assert Mail.objects.filter(to=registration.email, subject__contains="is set up").count() == 1
    assert Project.objects.get().archives.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_requests_for_one_namespace_or_its_look_alikes_proved_at_once_one_holds_it(
    monkeypatch: pytest.MonkeyPatch, submitted: Make
) -> None:
    find_all_free(monkeypatch)
    alike = ["prostate-o1", "prostate-o1", "prostate-01", "prostate-ol", "pr0state-oi"]
    rows = [submitted(email=f"{number}@uni.example", namespace=name) for number, name in enumerate(alike)]
    at_once(*[partial(services.confirm_address, row) for row in rows])
    states = sorted(Registration.objects.values_list("status", "reserved_skeleton"))
    assert states == [(Status.CHANGES_REQUESTED, "")] * 4 + [(Status.EMAIL_VERIFIED, "pr0state-01")]
    sent_back = Registration.objects.filter(status=Status.CHANGES_REQUESTED).first()
    assert "has been taken meanwhile" in sent_back.events().last().why


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_names_that_read_alike_approved_at_once_one_becomes_a_project(
    monkeypatch: pytest.MonkeyPatch, waiting: Make, approver: User, admin: User, client_of: ClientOf
) -> None:
    """The requests are from before names were held against their look-alikes."""
    find_all_free(monkeypatch)
    rows = []
    for name in ("modern-mr", "modem-mr"):
        rows.append(waiting(namespace=name, email=f"{name}@uni.example"))
        Registration.objects.update(reserved_skeleton="")
    clients, pages = [client_of(approver), client_of(admin)], list[str]()
    at_once(
        *[
            lambda client=client, row=row: pages.append(approve(client, row))
            for client, row in zip(clients, rows, strict=True)
        ]
    )
    assert sum("Approved. The portal is setting" in page for page in pages) == 1
    assert sum("has been taken meanwhile" in page for page in pages) == 1
    assert Project.objects.count() == 1
    statuses = sorted(Registration.objects.values_list("status", flat=True))
    assert statuses == [Status.APPROVED, Status.EMAIL_VERIFIED]


def find_all_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """As all see it who look in the same instant: only the database can tell."""
    monkeypatch.setattr(namespaces, "is_free", lambda *_, **__: True)
