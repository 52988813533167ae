"""The page that only the mail leads to: it proves the address and shows how the request stands."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import signing
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core import mail
from apps.core.models import Step
from apps.projects.models import Project
from apps.projects.services import Resources
from apps.registrations import decisions, links
from apps.registrations.applications import Grant
from apps.registrations.models import Registration
from tests.registrations.conftest import Make, answers, without

pytestmark = pytest.mark.django_db
Status = Registration.Status


def approve(registration: Registration, by: User) -> Project:
    return decisions.approve(registration, Grant(Resources(1, 1, 0, 1), registration.ends_on), by=by)


def test_opening_the_link_changes_nothing_and_the_button_proves_the_address(
    client: Client, submitted: Make, approver: User, admin: User, mailoutbox: list[EmailMessage]
) -> None:
    registration = submitted()
    path = links.path_of(registration)
    page = client.get(path)
    assert "Confirm my e-mail address" in page.text
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"
    registration.refresh_from_db()
    assert registration.status == Status.SUBMITTED
    assert client.post(f"{path}confirm/")["Location"] == path
    registration.refresh_from_db()
    assert registration.status == Status.EMAIL_VERIFIED
    assert registration.reserved_skeleton
    assert "An approver has to decide" in client.get(path).text
    mail.sweep()
    told = {message.to[0]: message for message in mailoutbox if "waits for approval" in message.subject}
    assert set(told) == {approver.email, admin.email}
    assert f"/approvals/{registration.pk}/" in told[admin.email].body
    assert "Prostate bpMRI atlas (prostate-atlas)" in told[admin.email].body


def test_confirming_twice_is_once(client: Client, submitted: Make, approver: User) -> None:
    registration = submitted()
    for _ in range(2):
        answer = client.post(f"{links.path_of(registration)}confirm/", follow=True)
    assert "moved on already" in answer.text
    assert registration.events().count() == 1


def test_confirming_late_does_not_bring_back_what_was_sent_back(client: Client, waiting: Make, approver: User) -> None:
    registration = waiting()
    decisions.ask_for_changes(registration, message="More GPUs?", by=approver)
    client.post(f"{links.path_of(registration)}confirm/")
    registration.refresh_from_db()
    assert registration.status == Status.CHANGES_REQUESTED


def test_a_namespace_taken_before_the_confirmation_sends_the_request_back(
    client: Client, submitted: Make, waiting: Make, mailoutbox: list[EmailMessage]
) -> None:
    late = submitted(email="late@uni.example")
    waiting()
    client.post(f"{links.path_of(late)}confirm/")
    late.refresh_from_db()
    assert late.status == Status.CHANGES_REQUESTED
    assert not late.reserved_skeleton
    assert "prostate-atlas has been taken meanwhile" in client.get(links.path_of(late)).text
    mail.sweep()
    assert "has been taken meanwhile" in mailoutbox[-1].body


def garbled(registration: Registration) -> dict[str, str]:
    token = links.path_of(registration).split("/")[2]
    other = signing.Signer(salt="something else", sep=".").sign_object([registration.pk, registration.nonce])
    return {
        "cut": token[:-1],
        "changed": ("A" if token[0] != "A" else "B") + token[1:],
        "unsigned": token.split(".")[0],
        "other salt": other,
        "other nonce": links.SIGNER.sign_object([registration.pk, "guess"]),
        "other row": links.SIGNER.sign_object([registration.pk + 1, registration.nonce]),
        "other shape": links.SIGNER.sign_object({"pk": registration.pk}),
        "word": "x",
        "primary key": str(registration.pk),
    }


PARTS = ["", "confirm/", "edit/", "withdraw/", "progress/", "retry/", "namespace/"]


@pytest.mark.parametrize("part", PARTS)
def test_a_garbled_or_forged_link_leads_nowhere(client: Client, submitted: Make, part: str) -> None:
    for why, token in garbled(submitted()).items():
        method = client.post if part in ("confirm/", "withdraw/", "retry/") else client.get
        assert method(f"/requests/{token}/{part}").status_code == 404, why


@pytest.mark.parametrize("part", ["confirm/", "withdraw/", "retry/"])
def test_nothing_changes_by_get(client: Client, submitted: Make, part: str) -> None:
    assert client.get(links.path_of(submitted()) + part).status_code == 405


def test_withdrawing_ends_the_request_and_frees_the_namespace(client: Client, waiting: Make) -> None:
    registration = waiting()
    client.post(f"{links.path_of(registration)}withdraw/")
    registration.refresh_from_db()
    assert registration.status == Status.WITHDRAWN
    assert not registration.reserved_skeleton
    page = client.get(links.path_of(registration)).text
    assert "You took the request back" in page
    assert "Withdraw the request" not in page


def test_what_is_decided_cannot_be_withdrawn(client: Client, waiting: Make, approver: User) -> None:
    registration = waiting()
    approve(registration, approver)
    page = client.post(f"{links.path_of(registration)}withdraw/", follow=True)
    assert "moved on already" in page.text
    registration.refresh_from_db()
    assert registration.status == Status.APPROVED


@pytest.fixture
def sent_back(waiting: Make, approver: User) -> Registration:
    registration = waiting()
    decisions.ask_for_changes(registration, message="Fewer GPUs, please.\nWe have 4.", by=approver)
    return registration


def test_the_requester_edits_what_was_asked_to_change(
    client: Client, sent_back: Registration, mailoutbox: list[EmailMessage], approver: User
) -> None:
    path = links.path_of(sent_back)
    assert "Fewer GPUs, please." in client.get(path).text
    form = client.get(f"{path}edit/")
    assert "Fewer GPUs, please." in form.text
    assert 'value="prostate-atlas"' in form.text
    answer = client.post(f"{path}edit/", without(answers(gpus=1), "terms"))
    assert answer["Location"] == path
    sent_back.refresh_from_db()
    assert (sent_back.status, sent_back.gpus) == (Status.EMAIL_VERIFIED, 1)
    assert sent_back.reserved_skeleton
    mail.sweep()
    assert [message.to for message in mailoutbox if "waits for approval" in message.subject] == [[approver.email]] * 2


def test_another_address_has_to_be_proved_and_ends_the_older_link(
    client: Client, sent_back: Registration, private_link: Callable[[str], str]
) -> None:
    old = links.path_of(sent_back)
    answer = client.post(f"{old}edit/", without(answers(email="Ida@Clinic.example"), "terms"))
    assert answer["Location"] == "/register/sent/"
    sent_back.refresh_from_db()
    assert (sent_back.status, sent_back.email) == (Status.SUBMITTED, "ida@clinic.example")
    assert not sent_back.reserved_skeleton
    assert client.get(old).status_code == 404
    new = private_link("ida@clinic.example")
    client.post(f"{new}confirm/")
    sent_back.refresh_from_db()
    assert sent_back.status == Status.EMAIL_VERIFIED


def test_only_what_was_sent_back_is_edited(client: Client, waiting: Make) -> None:
    registration = waiting()
    path = links.path_of(registration)
    assert client.get(f"{path}edit/")["Location"] == path
    assert client.post(f"{path}edit/", answers(gpus=100))["Location"] == path
    registration.refresh_from_db()
    assert registration.gpus == 4


def test_the_edited_request_may_not_take_somebody_elses_namespace(
    client: Client, sent_back: Registration, waiting: Make
) -> None:
    waiting(namespace="hers")
    page = client.post(f"{links.path_of(sent_back)}edit/", answers(namespace="hers"))
    assert "hers is taken" in page.text
    fragment = client.get(f"{links.path_of(sent_back)}namespace/", {"namespace": sent_back.namespace})
    assert "Free" in fragment.text


def test_an_account_holder_edits_under_the_account(client: Client, waiting: Make, alice: User, approver: User) -> None:
    registration = waiting(by=alice)
    decisions.ask_for_changes(registration, message="Why?", by=approver)
    path = f"{links.path_of(registration)}edit/"
    refused = client.post(path, without(answers(email="mallory@evil.example", name="Mallory"), "terms"))
    assert "has no field &#x27;email&#x27;" in refused.text
    client.post(path, without(answers(), "terms", "name", "email"))
    registration.refresh_from_db()
    assert (registration.status, registration.email, registration.name) == (
        Status.EMAIL_VERIFIED,
        alice.email,
        "Alice",
    )


def test_a_rejection_shows_its_reason(client: Client, waiting: Make, approver: User) -> None:
    registration = waiting()
    decisions.reject(registration, reason="No ethics approval.", by=approver)
    page = client.get(links.path_of(registration)).text
    assert "No ethics approval." in page
    assert "Register another project" in page


def test_the_requester_follows_the_steps_to_the_open_project(
    client: Client, waiting: Make, approver: User, sweeps: Callable[[], None]
) -> None:
    registration = waiting()
    approve(registration, approver)
    path = links.path_of(registration)
    page = client.get(path).text
    assert "Archive for the images" in page
    assert f'hx-get="{path}progress/"' in page
    fragment = client.get(f"{path}progress/")
    assert fragment.status_code == 200
    assert "<html" not in fragment.text
    sweeps()
    assert client.get(f"{path}progress/")["HX-Refresh"] == "true"
    done = client.get(path).text
    assert "/projects/prostate-atlas/" in done
    assert "link to set your password" in done
    assert "hx-get" not in done


def test_a_failed_step_shows_its_sentence_and_retry(
    client: Client, waiting: Make, approver: User, alice: User, sweeps: Callable[[], None]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    registration = waiting(email=alice.email)
    approve(registration, approver)
    sweeps()
    path = links.path_of(registration)
    page = client.get(path).text
    assert "account is deactivated" in page
    assert "Retry" in page
    User.objects.filter(pk=alice.pk).update(is_active=True)
    client.post(f"{path}retry/")
    sweeps()
    registration.refresh_from_db()
    assert registration.status == Status.PROVISIONED
    assert not Step.objects.exclude(status=Step.Status.DONE).exists()


def test_there_is_nothing_to_retry_before_the_approval(client: Client, waiting: Make) -> None:
    assert client.post(f"{links.path_of(waiting())}retry/").status_code == 404


def test_what_nobody_proves_or_answers_expires(
    client: Client, submitted: Make, waiting: Make, approver: User, sweeps: Callable[[], None]
) -> None:
    unproved, asked, fresh = submitted(namespace="a"), waiting(namespace="b"), waiting(namespace="c")
    decisions.ask_for_changes(asked, message="More?", by=approver)
    long_ago = timezone.now() - timedelta(days=61)
    Registration.objects.update(status_changed_at=long_ago)
    sweeps()
    rows = {row.namespace: row for row in Registration.objects.all()}
    assert [rows[name].status for name in "abc"] == [Status.EXPIRED, Status.EXPIRED, Status.EMAIL_VERIFIED]
    assert [rows[name].reserved_skeleton for name in "abc"] == ["", "", "c"]
    assert "expired" in client.get(links.path_of(unproved)).text
    assert fresh.status == Status.EMAIL_VERIFIED


def test_a_young_request_does_not_expire(submitted: Make, sweeps: Callable[[], None]) -> None:
    registration = submitted()
    Registration.objects.update(status_changed_at=timezone.now() - timedelta(days=6, hours=23))
    sweeps()
    registration.refresh_from_db()
    assert registration.status == Status.SUBMITTED
