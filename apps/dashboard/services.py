from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.core import mail as mails
from apps.core.models import Mail


def send_again(mail: Mail, *, by: User) -> None:
    """Queues a mail that was given up. Raises IllegalTransition for any other."""
    with transaction.atomic():
        mails.send_again(mail, by=by.pk)
        record("mail.sent_again", actor=by.pk, subject=mail)


def send_all_again(*, by: User) -> int:
    """Queues all mails that were given up; returns how many. Nothing is written when there are none."""
    with transaction.atomic():
        queued = mails.send_all_again(by=by.pk)
        if queued:
            record("mail.all_sent_again", actor=by.pk, mails=queued)
    return queued
