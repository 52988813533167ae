"""Once a day every approver gets one mail of what still waits; nobody gets one about nothing."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.selectors import approvers
from apps.projects.access import extensions_waiting_for
from apps.registrations import letters
from apps.registrations.models import Digest
from apps.registrations.selectors import waiting_for

HOUR = 7  # of the portal's time zone
LONGEST = 50


def send_due(now: datetime | None = None) -> bool:
    """True when this call sent today's: from HOUR on, the first of all that try, also when that is hours late."""
    here = timezone.localtime(now)
    if here.hour < HOUR:
        return False
    with transaction.atomic():
        # The row and the mails come together: whoever tries at the same time waits here, and finds the row.
        _, is_first = Digest.objects.get_or_create(day=here.date())
        if is_first:
            _send_all()
    return is_first


def _send_all() -> None:
    for approver in approvers():
        waiting, extensions = waiting_for(approver), extensions_waiting_for(approver)
        if count := waiting.count() + extensions.count():
            letters.send_digest(approver, list(waiting[:LONGEST]), list(extensions[:LONGEST]), count=count)
