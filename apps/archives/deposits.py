"""Who is putting what into a remote archive: the index's refresh may be the first to see it there, or the only one.

It is announced before the first byte goes out and forgotten once it is in the index. What an upload that failed midway
or was killed has left is what the refresh then goes by.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.archives.intake import Arrival
from apps.archives.models import Archive, Deposit

KEPT = timedelta(days=30)


@contextmanager
def announced(archive: Archive, arrivals: Sequence[Arrival], *, by: User | None) -> Iterator[None]:
    """Around publishing and indexing; an error leaves it announced."""
    is_needed = by is not None and archive.is_remote
    if is_needed:
        Deposit.objects.bulk_create(Deposit(archive=archive, by=by, sha256=arrival.sha256) for arrival in arrivals)
    yield
    if is_needed:
        forget(archive, arrivals)


def depositors(archive: Archive, arrivals: Sequence[Arrival]) -> dict[str, User]:
    """By the hash of the content; the last of several."""
    hashes = [arrival.sha256 for arrival in arrivals]
    found = Deposit.objects.filter(archive=archive, sha256__in=hashes).select_related("by").order_by("pk")
    return {deposit.sha256: deposit.by for deposit in found}


def forget(archive: Archive, arrivals: Sequence[Arrival]) -> None:
    """They are in the index, or will never be."""
    Deposit.objects.filter(archive=archive, sha256__in=[arrival.sha256 for arrival in arrivals]).delete()


def sweep() -> None:
    """Removes what never came."""
    Deposit.objects.filter(announced_at__lt=timezone.now() - KEPT).delete()
