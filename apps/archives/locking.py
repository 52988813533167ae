from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.archives.models import Archive


@contextmanager
def index_locked(archive_pk: int) -> Iterator[None]:
    """A transaction in which nobody else writes the index of the archive, or takes its files away.

    Raises Archive.DoesNotExist.
    """
    with transaction.atomic():
        # SQLite has one writer at a time anyway; elsewhere this row is the lock.
        Archive.objects.select_for_update(no_key=True).get(pk=archive_pk)
        yield
