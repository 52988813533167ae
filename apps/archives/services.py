import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import index, metadata_files
from apps.archives.intake import Arrival, IncomingFile, read_all
from apps.archives.models import Archive, Instance, Series, Study, StudyRead
from apps.archives.port import ImageStore, Look, Picture
from apps.archives.results import FailureReason, StoredResult
from apps.archives.static.objects import Outcome as Published
from apps.archives.static.pool import ChildPool, default_pool
from apps.archives.static_archive import StaticArchive
from apps.audit.services import record
from apps.projects.models import Project

__all__ = ["IncomingFile", "StoredResult"]

DEFAULT_NAME = "images"
BATCH = 500
ABANDONED_SECONDS = 24 * 3600
WRITTEN_PER_SWEEP = 500


def ensure_archive(project: Project) -> Archive:
    """The project's default archive, made if there is none. Twice is once."""
    archive, _ = Archive.objects.get_or_create(
        project=project, is_default=True, defaults={"name": DEFAULT_NAME, "kind": Archive.Kind.BUILT_IN}
    )
    return archive


def reader() -> ChildPool:
    """The limited children of this process, which alone parse, decode and unpack what comes from outside."""
    return default_pool()


def store_of(archive_pk: int) -> ImageStore:
    """Where the bytes of an archive are."""
    return StaticArchive(archive_pk)


@contextmanager
def receiving_folder(archive: Archive) -> Iterator[Path]:
    """A folder for files that arrive; it is gone with the block."""
    folder = store_of(archive.pk).new_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def store_files(
    archive: Archive, files: Iterable[IncomingFile], *, by: User | None, study_instance_uid: str = ""
) -> list[StoredResult]:
    """Stores files; one result each, in their order. With `study_instance_uid`, only objects of that study.

    When this returns, what is STORED or PRESENT is on disk and in the index for good. The files stay with the caller,
    who writes to them no more and removes them: they may be second names of the stored ones. May be called again with
    the same files after any failure. Files are read while `files` still comes; an error that it raises stores nothing.
    Raises OSError when the disk is full: the batches of 500 before are stored by then.
    """
    read = read_all(files)
    results: list[StoredResult] = []
    for start in range(0, len(read), BATCH):
        batch = [_of_study(one, study_instance_uid) for one in read[start : start + BATCH]]
        results += _store_batch(archive, batch, by)
    return results


def _of_study(one: Arrival | StoredResult, study_instance_uid: str) -> Arrival | StoredResult:
    if isinstance(one, StoredResult) or study_instance_uid in ("", one.identity.study_instance_uid):
        return one
    return one.refused(FailureReason.DOES_NOT_MATCH, "The object belongs to another study than the address says.")


def _store_batch(archive: Archive, batch: Sequence[Arrival | StoredResult], by: User | None) -> list[StoredResult]:
    store = store_of(archive.pk)
    arrivals = [one for one in batch if isinstance(one, Arrival)]
    published = dict(zip(map(id, arrivals), store.publish(arrivals), strict=True))
    placed = [one for one in arrivals if published[id(one)] is not Published.DIFFERENT]
    results = dict(zip(map(id, placed), index.add(archive, placed, by=by), strict=True))
    for one in placed:
        # What another writer had put there stays: it may be in the index by now.
        if results[id(one)].is_refused and published[id(one)] is Published.NEW:
            store.withdraw(one)
    return [one if isinstance(one, StoredResult) else results.get(id(one)) or _damaged(one) for one in batch]


def _damaged(arrival: Arrival) -> StoredResult:
    sentence = "The archive holds a damaged copy of this object; an administrator has to look (archive verify)."
    return arrival.refused(FailureReason.PROCESSING_FAILURE, sentence)


def rebuild_metadata(series: Series, *, is_forced: bool = False) -> None:
    """Writes the metadata file of a series that changed, or of any when forced. Twice is once."""
    if series.is_metadata_stale or is_forced:
        metadata_files.write(series)


def sweep() -> None:
    """Writes metadata files that are due, and removes what uploads that died have left."""
    for series in metadata_files.due().order_by("metadata_written_at")[:WRITTEN_PER_SWEEP]:
        metadata_files.write(series)
    for pk in Archive.objects.values_list("pk", flat=True):
        StaticArchive(pk).sweep(older_than_seconds=ABANDONED_SECONDS)


def object_path(instance: Instance) -> Path:
    """The Part 10 file of an instance, loaded with `series__study`."""
    return store_of(instance.archive_id).path(instance)


def render(instance: Instance, frame: int, look: Look) -> Picture:
    """Frame `frame` (from 1) as a screen shows it. Raises NotInObject, ObjectUnavailable, FileRefused, PoolBusy."""
    return store_of(instance.archive_id).rendered(instance, frame, look)


def overlay(segmentation: Instance, source: Instance, *, frame: int = 1) -> Picture | None:
    """The segments on frame `frame` (from 1) of `source` as RGBA PNG, None when there are none.

    Raises ObjectUnavailable, FileRefused, PoolBusy.
    """
    return store_of(segmentation.archive_id).overlay(segmentation, source, frame)


def note_read(study: Study, *, by: User, kind: StudyRead.Kind) -> None:
    """Audits that a person saw or took away images of a study: once an hour, however many requests there are."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    key = f"archives.read.{study.pk}.{by.pk}.{kind}.{hour:%Y%m%d%H}"
    if cache.get(key):
        return
    with transaction.atomic():
        _, is_first = StudyRead.objects.get_or_create(study=study, user=by, kind=kind, hour=hour)
        if is_first:
            project = Archive.objects.values_list("project_id", flat=True).get(pk=study.archive_id)
            record(f"images.{kind}", actor=by.pk, project=project, subject=study)
    cache.set(key, True, 3600)


def note_export(subject: Study | Series | Instance, *, by: User) -> None:
    """Audits that a person took whole objects away, each time. `subject` is loaded with its archive."""
    record("images.exported", actor=by.pk, project=subject.archive.project_id, subject=subject)
