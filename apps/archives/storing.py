"""Storing files: read in limited children, put in place, written into the index; or refused, each for itself."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from apps.accounts.models import User
from apps.archives import deleting, deposits, index
from apps.archives.intake import Arrival, IncomingFile, read_all
from apps.archives.locking import index_locked
from apps.archives.models import Archive
from apps.archives.port import ArchiveUnreachable, ImageStore, Published
from apps.archives.results import FailureReason, Outcome, StoredResult
from apps.archives.stores import store_of

log = structlog.get_logger(__name__)

BATCH = 500


@contextmanager
def receiving_folder(archive: Archive) -> Iterator[Path]:
    """A folder for files that arrive; it is gone with the block."""
    folder = store_of(archive).new_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_files(files: Iterable[IncomingFile]) -> list[StoredResult]:
    """Reads files and stores none; the refusals, in their order."""
    return [result for result in read_all(files) if isinstance(result, StoredResult)]


def store_files(
    archive: Archive,
    files: Iterable[IncomingFile],
    *,
    by: User | None,
    study_instance_uid: str = "",
    device: Mapping[str, str] | None = None,
) -> list[StoredResult]:
    """Stores files; one result each, in their order. With `study_instance_uid`, only objects of that study.

    `device` says whence it came when nobody has brought it, for the audit.

    When this returns, what is STORED or PRESENT is in the archive and in the index for good. The files stay with the
    caller, who writes to them no more and removes them: they may be second names of the stored ones. May be called
    again with the same files after any failure. Files are read while `files` still comes; an error that it raises
    stores nothing. Raises OSError when the disk is full, and ArchiveUnreachable: the batches of 500 before are stored
    by then.
    """
    read = read_all(files)
    results: list[StoredResult] = []
    while read:
        # What is stored has no more need of memory.
        batch, read = [_as_said(one, study_instance_uid) for one in read[:BATCH]], read[BATCH:]
        results += _store_batch(archive, batch, by, device)
    return results


def _as_said(one: Arrival | StoredResult, study_instance_uid: str) -> Arrival | StoredResult:
    if isinstance(one, StoredResult):
        return one
    if study_instance_uid not in ("", one.identity.study_instance_uid):
        return one.refused(FailureReason.DOES_NOT_MATCH, "The object belongs to another study than the address says.")
    if one.file.sop_instance_uid not in ("", one.identity.sop_instance_uid):
        return one.refused(FailureReason.DOES_NOT_MATCH, "The object is another than the request says.")
    return one


def _store_batch(
    archive: Archive, batch: Sequence[Arrival | StoredResult], by: User | None, device: Mapping[str, str] | None
) -> list[StoredResult]:
    event = index.ARRIVED if device else index.STORED
    store = store_of(archive)
    arrivals = [one for one in batch if isinstance(one, Arrival)]
    with deposits.announced(archive, arrivals, by=by):
        published = store.publish(arrivals)
        placed = [one for one in published if isinstance(one, Published)]
        indexed = _indexed(archive, store, [one.arrival for one in placed], by=by, event=event, **(device or {}))
    for one, result in zip(placed, indexed, strict=True):
        # What another writer had put there stays: it may be in the index by now.
        if result.is_refused and one.is_new:
            _withdraw(store, one.arrival)
    taken = iter(indexed)
    stored = (next(taken) if isinstance(one, Published) else one for one in published)
    return [next(stored) if isinstance(one, Arrival) else one for one in batch]


def _indexed(
    archive: Archive, store: ImageStore, arrivals: Sequence[Arrival], *, by: User | None, event: str, **detail: str
) -> list[StoredResult]:
    with index_locked(archive.pk):
        deleting.finish_for(archive, arrivals)
        results = index.add(archive, arrivals, by=by, event=event, **detail)
        new = (one for one, result in zip(arrivals, results, strict=True) if result.outcome is Outcome.STORED)
        store.confirm(list(new))
    return results


def _withdraw(store: ImageStore, arrival: Arrival) -> None:
    try:
        store.withdraw(arrival)
    except ArchiveUnreachable:
        # It stays outside the index, with its reason, once that is refreshed.
        log.warning("refused object could not be withdrawn")
