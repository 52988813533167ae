"""Mails are rows; a task sends them. A mail server that is down delays mails and nothing else."""

import smtplib
from contextlib import suppress
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone

from apps.core.doorbell import ring
from apps.core.models import Mail
from apps.core.state import IllegalTransition

log = structlog.get_logger(__name__)

ATTEMPTS = 10


def post(*, to: str, subject: str, template: str, context: dict[str, object]) -> Mail:
    """Writes a mail in the caller's transaction; it goes out after commit. `template` is a text template."""
    text = render_to_string(template, {**context, "public_url": settings.PUBLIC_URL}).strip() + "\n"
    mail = Mail.objects.create(to=to, subject=" ".join(subject.split()), text=text, status=Mail.Status.QUEUED)
    ring("core.deliver_mail", mail.pk)
    return mail


def deliver(mail: Mail) -> None:
    """Sends a queued mail. Two workers at once send one; a failure is tried again later."""
    try:
        mail.move_to(Mail.Status.SENDING, attempts=mail.attempts + 1)
    except IllegalTransition:
        return
    try:
        _message(mail).send()
    except (OSError, smtplib.SMTPException) as error:
        _put_back(mail, f"{type(error).__name__}")
        return
    with suppress(IllegalTransition):  # it took so long that the sweep has put the mail back
        mail.move_to(Mail.Status.SENT, text="", last_error="")


def sweep() -> None:
    """Delivers what waits, and what a worker that died was about to deliver."""
    now = timezone.now()
    stuck = now - timedelta(seconds=settings.CLAIM_SECONDS)
    for mail in Mail.objects.filter(status=Mail.Status.SENDING, status_changed_at__lt=stuck):
        _put_back(mail, "the worker died")
    for mail in Mail.objects.filter(status=Mail.Status.QUEUED, not_before__lte=now).order_by("pk")[:500]:
        deliver(mail)


def _message(mail: Mail) -> EmailMessage:
    # The id is the row's, so that a mail delivered twice is seen as one by mailboxes, and is one in the outbox.
    return EmailMessage(mail.subject, mail.text, to=[mail.to], headers={"Message-ID": f"<mail-{mail.pk}@maia>"})


def _put_back(mail: Mail, reason: str) -> None:
    is_last = mail.attempts >= ATTEMPTS
    wait = timedelta(seconds=min(15 * 2**mail.attempts, 3600))
    log.warning("mail not delivered", mail=mail.pk, attempts=mail.attempts, reason=reason)
    try:
        mail.move_to(
            Mail.Status.FAILED if is_last else Mail.Status.QUEUED,
            why=reason,
            last_error=reason,
            not_before=timezone.now() + wait,
        )
    except IllegalTransition:
        return
