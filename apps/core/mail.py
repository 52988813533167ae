"""Mails are rows; a task sends them. A mail server that is down delays mails and nothing else.

A mail is marked before it is sent and again after it went. A worker that is killed in between leaves the first mark,
and the mail goes again once its claim has ended: it is never lost, and comes twice at most for each such death, both
times with the same Message-ID.
"""

import smtplib
from contextlib import suppress
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from apps.core import outbox, smtp
from apps.core.doorbell import ring
from apps.core.leases import under_lease
from apps.core.mail_html import html_of
from apps.core.models import Mail
from apps.core.state import IllegalTransition, StateEvent

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 30, 3600
ATTEMPTS = 128  # one an hour after the first seven: five days, as RFC 5321 4.5.4.1 asks for
KEPT_DAYS = 90
FORGOTTEN_AT_ONCE = 1000


def post(*, to: str, subject: str, template: str, context: dict[str, object]) -> Mail:
    """Writes a mail in the caller's transaction; it goes out after commit. `template` is a text template.

    The HTML that goes with it is made of the same text: a paragraph that is an address of the portal becomes a button.
    """
    text = render_to_string(template, {**context, "public_url": settings.PUBLIC_URL}).strip() + "\n"
    mail = Mail.objects.create(to=to, subject=" ".join(subject.split()), text=text, status=Mail.Status.QUEUED)
    ring("core.sweep_mail")
    return mail


def send_again(mail: Mail, *, by: int) -> None:
    """Queues a mail that was given up. Raises IllegalTransition for any other."""
    _queue_again(mail, by=by)
    ring("core.sweep_mail")


def send_all_again(*, by: int) -> int:
    """Queues all that was given up; returns how many. Of two at once each takes what the other has not."""
    queued = 0
    for mail in Mail.objects.filter(status=Mail.Status.FAILED).order_by("pk"):
        with suppress(IllegalTransition):
            _queue_again(mail, by=by)
            queued += 1
    ring("core.sweep_mail")
    return queued


def forget_old() -> None:
    """What went KEPT_DAYS ago is forgotten: row, moves, and file in the outbox. What was given up stays."""
    too_old = timezone.now() - timedelta(days=KEPT_DAYS)
    # By when it was due, not by when it went: the database finds it without reading what is younger.
    went = Mail.objects.filter(status=Mail.Status.SENT, not_before__lt=too_old)
    pks = list(went.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    outbox.forget(pks)
    with transaction.atomic():
        StateEvent.objects.filter(subject_type=Mail._meta.label_lower, subject_pk__in=pks).delete()
        Mail.objects.filter(pk__in=pks).delete()


def sweep() -> None:
    """Delivers what is due, and what a worker that died was about to deliver."""
    _take_back()
    _deliver_due()


def deliver(mail: Mail) -> bool:
    """Sends a queued mail. Two workers at once send one; a failure is tried again later.

    Whether the mail server took part: if not, there is no sense in trying it with the next mail.
    """
    try:
        mail.move_to(Mail.Status.SENDING, attempts=mail.attempts + 1)
    except IllegalTransition:
        return True
    try:
        _message(mail).send()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        _put_back(mail, smtp.reason(error), is_final=smtp.is_final(error))
        return smtp.is_refusal(error)
    with suppress(IllegalTransition):  # it took so long that the sweep has put the mail back
        mail.move_to(Mail.Status.SENT, text="", last_error="")
    return True


@under_lease("core.sweep_mail")
def _deliver_due() -> None:
    """One worker at a time, so that a server that hangs holds up no other worker; until that server is away."""
    due = Mail.objects.filter(status=Mail.Status.QUEUED).order_by("pk")
    while mail := due.filter(not_before__lte=timezone.now()).first():
        if not deliver(mail):
            return


def _take_back() -> None:
    """What a worker that died was about to deliver."""
    stuck = timezone.now() - timedelta(seconds=settings.CLAIM_SECONDS)
    for mail in Mail.objects.filter(status=Mail.Status.SENDING, status_changed_at__lt=stuck):
        _put_back(mail, "The portal was stopped while it sent this mail.", is_final=False)


def _message(mail: Mail) -> EmailMultiAlternatives:
    # The id is the row's, so that a mail delivered twice is seen as one by mailboxes, and is one in the outbox.
    headers = {"Message-ID": f"<mail-{mail.pk}@maia>", "Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(mail.subject, mail.text, to=[mail.to], headers=headers)
    message.attach_alternative(html_of(mail.subject, mail.text), "text/html")
    return message


def _queue_again(mail: Mail, *, by: int) -> None:
    mail.move_to(Mail.Status.QUEUED, by=by, attempts=0, not_before=timezone.now())


def _put_back(mail: Mail, reason: str, *, is_final: bool) -> None:
    is_last = is_final or mail.attempts >= ATTEMPTS
    wait = timedelta(seconds=min(FIRST_WAIT_SECONDS * 2 ** min(mail.attempts - 1, 16), LONGEST_WAIT_SECONDS))
    log.warning("mail not delivered", mail=mail.pk, attempts=mail.attempts, is_last=is_last)
    with suppress(IllegalTransition):
        mail.move_to(
            Mail.Status.FAILED if is_last else Mail.Status.QUEUED,
            why=reason,
            last_error=reason,
            not_before=timezone.now() + wait,
        )
