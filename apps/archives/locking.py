from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.archives.models import Archive


@contextmanager
def index_locked(archive_pk: int) -> Iterator[Archive]:
    """A transaction in which nobody else writes the index of the archive, takes its files away, or takes it out.

    Raises Archive.DoesNotExist.
    """
    with transaction.atomic():
        # SQLite has one writer at a time anyway; elsewhere this row is the lock.
        yield Archive.objects.select_for_update(no_key=True).get(pk=archive_pk)
