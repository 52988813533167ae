"""Mails are rows: written with what they tell of, sent after it, once, however the mail server feels."""

import os
import signal
import smtplib
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.core import mail
from apps.core.models import Mail
from apps.core.outbox import OutboxBackend, text_of
from apps.core.state import IllegalTransition
from celery_worker import app as celery
from tests.killing import exit_of_child
from tests.racing import at_once

Status = Mail.Status
pytestmark = pytest.mark.django_db


def post(subject: str = "Good news") -> Mail:
    return mail.post(
        to="ida@uni.example", subject=subject, template="account/email/unknown_account_message.txt", context={}
    )


def later(mail_row: Mail, seconds: float) -> None:
    """As if so much time had passed since the row's last move."""
    Mail.objects.filter(pk=mail_row.pk).update(
        status_changed_at=timezone.now() - timedelta(seconds=seconds), not_before=timezone.now()
    )


def break_server(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(message: EmailMessage) -> None:
        raise error

    monkeypatch.setattr(EmailMessage, "send", send)


def test_a_mail_is_sent_and_its_text_forgotten(mailoutbox: list[EmailMessage]) -> None:
    row = post()
    text = row.text
    mail.deliver(row)
    row.refresh_from_db()
    assert (row.status, row.text, row.attempts) == (Status.SENT, "", 1)
    assert (mailoutbox[0].to, mailoutbox[0].subject, mailoutbox[0].body) == (["ida@uni.example"], "Good news", text)
    assert mailoutbox[0].alternatives[0].mimetype == "text/html"


def test_two_workers_send_one(mailoutbox: list[EmailMessage]) -> None:
    row = post()
    twin = Mail.objects.get(pk=row.pk)
    mail.deliver(row)
    mail.deliver(twin)
    mail.sweep()
    assert len(mailoutbox) == 1


def test_line_breaks_cannot_make_headers(mailoutbox: list[EmailMessage]) -> None:
    mail.deliver(post("Project\r\nBcc: everybody@evil.example\n\nHello"))
    assert mailoutbox[0].subject == "Project Bcc: everybody@evil.example Hello"
    assert mailoutbox[0].recipients() == ["ida@uni.example"]
    assert mailoutbox[0].message()["Bcc"] is None


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        smtplib.SMTPServerDisconnected(),
        smtplib.SMTPAuthenticationError(535, b"bad credentials"),
        smtplib.SMTPSenderRefused(550, b"not from here", "maia@localhost"),
    ],
)
def test_a_server_that_is_down_delays_the_mail(
    monkeypatch: pytest.MonkeyPatch, error: Exception, mailoutbox: list[EmailMessage]
) -> None:
    row = post()
    with monkeypatch.context() as broken:
        break_server(broken, error)
        mail.deliver(row)
    row.refresh_from_db()
    assert row.status == Status.QUEUED
    assert row.last_error.startswith("The mail server ")
    assert row.text
    assert row.not_before > timezone.now()
    mail.sweep()
    assert mailoutbox == []
    later(row, 0)
    mail.sweep()
    assert len(mailoutbox) == 1


def test_a_mail_is_given_up_after_five_days(monkeypatch: pytest.MonkeyPatch) -> None:
    break_server(monkeypatch, ConnectionRefusedError())
    row, waited = post(), timedelta()
    while row.status == Status.QUEUED:
        later(row, 0)
        mail.sweep()
        row.refresh_from_db()
        waited += row.not_before - timezone.now()
    assert (row.status, row.attempts) == (Status.FAILED, mail.ATTEMPTS)
    assert timedelta(days=4.9) < waited < timedelta(days=5.3)


def test_a_server_that_is_away_is_tried_once_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [post(), post(), post()]
    break_server(monkeypatch, TimeoutError())
    mail.sweep()
    assert [Mail.objects.get(pk=row.pk).attempts for row in rows] == [1, 0, 0]
    mail.sweep()
    assert [Mail.objects.get(pk=row.pk).attempts for row in rows] == [1, 1, 0]


REFUSALS = [
    (smtplib.SMTPRecipientsRefused({"ida@uni.example": (550, b"no such user")}), Status.FAILED, "550 no such user"),
    (smtplib.SMTPRecipientsRefused({"ida@uni.example": (450, b"come again")}), Status.QUEUED, "450 come again"),
    (smtplib.SMTPDataError(554, b"looks like spam"), Status.FAILED, "554 looks like spam"),
    (UnicodeEncodeError("ascii", "å@uni.example", 0, 1, "ordinal not in range"), Status.FAILED, "cannot be written"),
]


@pytest.mark.parametrize(("error", "status", "words"), REFUSALS)
def test_a_refused_mail_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: str, words: str
) -> None:
    refused, other = post("Refused"), post("Taken")

    def send(message: EmailMessage) -> None:
        if message.subject == "Refused":
            raise error

    monkeypatch.setattr(EmailMessage, "send", send)
    mail.sweep()
    refused.refresh_from_db()
    other.refresh_from_db()
    assert (refused.status, other.status) == (status, Status.SENT)
    assert words in refused.last_error
    assert refused.text


def test_a_mail_that_was_given_up_is_sent_again(mailoutbox: list[EmailMessage]) -> None:
    row = post()
    row.move_to(Status.SENDING, attempts=7)
    row.move_to(Status.FAILED)
    mail.send_again(row, by=1)
    with pytest.raises(IllegalTransition):
        mail.send_again(Mail.objects.get(pk=row.pk), by=1)
    mail.sweep()
    row.refresh_from_db()
    assert (row.status, row.attempts, len(mailoutbox)) == (Status.SENT, 1, 1)


def test_what_went_is_forgotten_after_ninety_days_and_what_did_not_stays(mailoutbox: list[EmailMessage]) -> None:
    rows = {name: post(name) for name in ("went long ago", "went", "given up", "waits")}
    for name in ("went long ago", "went", "given up"):
        rows[name].move_to(Status.SENDING)
        rows[name].move_to(Status.FAILED if name == "given up" else Status.SENT)
    due = {name: timezone.now() - timedelta(days=89 if name == "went" else 91) for name in rows}
    for name, row in rows.items():
        Mail.objects.filter(pk=row.pk).update(not_before=due[name])
        (Path(settings.OUTBOX_DIR) / f"mail-{row.pk}.eml").write_text("Subject: x\n\nIt went.\n")
    for _ in range(2):
        celery.tasks["core.forget_mail"]()
    assert set(Mail.objects.values_list("subject", flat=True)) == set(rows) - {"went long ago"}
    assert text_of(rows["went long ago"].pk) is None
    assert text_of(rows["went"].pk) == "It went.\n"
    assert [rows[name].events().count() for name in rows] == [0, 2, 2, 0]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_all_that_was_given_up_is_queued_once_by_two_at_once() -> None:
    rows = [post() for _ in range(5)]
    Mail.objects.update(status=Status.FAILED, attempts=9)
    counts: list[int] = []
    at_once(*[lambda: counts.append(mail.send_all_again(by=1))] * 3)
    assert sum(counts) == 5
    assert set(Mail.objects.values_list("status", "attempts")) == {(Status.QUEUED, 0)}
    assert [row.events().count() for row in rows] == [1] * 5


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("moment", "copies"), [("before", 1), ("after", 2)])
def test_a_worker_killed_while_it_sends_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: str, copies: int
) -> None:
    """Killed before the server has the mail it comes once; killed after that, twice and under one id."""
    row = post()
    kept = tmp_path / "mails"

    def keep(message: EmailMessage) -> None:
        with kept.open("a") as file:
            file.write(f"{message.message()['Message-ID']}\n")

    def keep_and_die(message: EmailMessage) -> None:
        if moment == "after":
            keep(message)
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as dying:
        dying.setattr(EmailMessage, "send", keep_and_die)
        assert exit_of_child(lambda: mail.deliver(row)) == -signal.SIGKILL
    monkeypatch.setattr(EmailMessage, "send", keep)
    mail.sweep()
    assert Mail.objects.get(pk=row.pk).status == Status.SENDING
    for _ in range(2):
        later(row, settings.CLAIM_SECONDS + 1)
        mail.sweep()
        later(row, 0)
        mail.sweep()
    assert Mail.objects.get(pk=row.pk).status == Status.SENT
    assert kept.read_text().splitlines() == [f"<mail-{row.pk}@maia>"] * copies


def test_what_a_dead_worker_was_sending_is_sent_again(mailoutbox: list[EmailMessage]) -> None:
    row = post()
    row.move_to(Status.SENDING)
    mail.sweep()
    assert mailoutbox == []
    later(row, settings.CLAIM_SECONDS + 1)
    mail.sweep()
    later(row, 0)
    mail.sweep()
    assert len(mailoutbox) == 1


def test_a_slow_worker_whose_mail_was_taken_over_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    row = post()

    def send(message: EmailMessage) -> None:
        later(row, settings.CLAIM_SECONDS + 1)
        mail.sweep()

    monkeypatch.setattr(EmailMessage, "send", send)
    mail.deliver(row)
    assert Mail.objects.get(pk=row.pk).status == Status.QUEUED


def test_the_same_mail_twice_is_one_file_in_the_outbox() -> None:
    row = post("Twice in the outbox")
    for _ in range(2):
        OutboxBackend().send_messages([mail._message(row)])
    files = list(Path(settings.OUTBOX_DIR).glob(f"mail-{row.pk}*"))
    assert [path.suffix for path in files] == [".eml"]
    assert text_of(row.pk) == row.text
    files[0].unlink()
    assert text_of(row.pk) is None
