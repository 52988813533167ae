"""How the outbox page shows mails."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.core import outbox
from apps.core.lists import holding
from apps.core.models import Mail

Status = Mail.Status
BADGES = {
    Status.QUEUED: ("wait", "clock", "Waits"),
    Status.SENDING: ("busy", "loader-2", "Is being sent"),
    Status.SENT: ("good", "mail-check", "Sent"),
    Status.FAILED: ("bad", "alert-triangle", "Given up"),
}
NOT_SHOWN = "What mails say is not shown: it may hold private links."


@dataclass(frozen=True)
class ShownMail:
    mail: Mail
    kind: str
    icon: str
    word: str
    text: str
    next_try_at: datetime | None

    @property
    def is_given_up(self) -> bool:
        return self.mail.status == Status.FAILED


def are_kept_as_files() -> bool:
    return settings.OUTBOX_DIR is not None


def matching(*, status: str, q: str) -> QuerySet[Mail]:
    """Mails in a state ("" for any) that hold each word of `q` in recipient or subject, newest first."""
    found = Mail.objects.filter(status=status) if status else Mail.objects.all()
    return holding(found, q.split(), "to", "subject").order_by("-pk")


def shown(mail: Mail) -> ShownMail:
    """With the text where mails are kept as files; elsewhere nobody needs it to see whether a mail went."""
    is_later = mail.status == Status.QUEUED and mail.attempts > 0 and mail.not_before > timezone.now()
    text = (mail.text or outbox.text_of(mail.pk) or "") if are_kept_as_files() else NOT_SHOWN
    return ShownMail(mail, *BADGES[Status(mail.status)], text, mail.not_before if is_later else None)
