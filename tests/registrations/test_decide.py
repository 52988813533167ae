"""Deciding on a request: reject with a reason, ask for changes; the first one counts; nobody decides on an own one."""

import re
from collections.abc import Callable
from dataclasses import fields

import pytest
from django.core.mail import EmailMessage

from apps.accounts.models import User
from apps.core import mail
from apps.projects.models import Project
from apps.registrations import decisions, links, services
from apps.registrations.applications import Application
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.registrations.conftest import Make, decision, grant
from tests.registrations.console import approve, path

Status = Registration.Status


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
