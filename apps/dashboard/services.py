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
