"""Mails are rows: written with what they tell of, sent after it, once, however the mail server feels."""

import smtplib
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from apps.core import mail
from apps.core.models import Mail
from apps.core.outbox import OutboxBackend, mails

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


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), smtplib.SMTPServerDisconnected()])
def test_a_server_that_is_down_delays_the_mail(
    monkeypatch: pytest.MonkeyPatch, error: Exception, mailoutbox: list[EmailMessage]
) -> None:
    row = post()
    with monkeypatch.context() as broken:
        break_server(broken, error)
        mail.deliver(row)
    row.refresh_from_db()
    assert (row.status, row.last_error) == (Status.QUEUED, type(error).__name__)
    assert row.text
    assert row.not_before > timezone.now()
    mail.sweep()
    assert mailoutbox == []
    later(row, 0)
    mail.sweep()
    assert len(mailoutbox) == 1


def test_a_mail_is_given_up_after_many_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    break_server(monkeypatch, ConnectionRefusedError())
    row = post()
    for _ in range(mail.ATTEMPTS + 2):
        later(row, 0)
        mail.sweep()
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.FAILED, mail.ATTEMPTS)


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
    assert [found.to for found in mails() if found.subject == "Twice in the outbox"] == ["ida@uni.example"]
