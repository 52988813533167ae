"""Writing the static layout of an archive: resumed where it was broken off, and nothing twice that did not change."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import connections

from apps.archives.models import Archive, Instance, Series, Study
from apps.archives.port import ImageStore, ObjectUnavailable
from apps.archives.selectors import representative_of
from apps.archives.static.refusals import FileRefused
from apps.archives.static_export import notes
from apps.archives.static_export.addresses import Addresses
from apps.archives.static_export.indexes import Indexes, path_of_one, thumbnail
from apps.archives.static_export.instances import InstanceExport
from apps.archives.static_export.notes import UNKNOWN, SeriesNote
from apps.archives.static_export.resources import Resource
from apps.archives.static_export.target import Target
from apps.archives.stores import store_of

log = structlog.get_logger(__name__)

BATCH = 200
_FORMAT = 2
"""To be counted up when files are written in another way, so that all are written again."""
_ARCHIVE = "archive"


@dataclass
class Progress:
    """Of objects, in all. `faults` has a sentence for each that is not, or not wholly, in the target."""

    total: int
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.written + self.unchanged + len(self.faults)


def export(archive: Archive, target: Target, *, root: str = "", tell: Callable[[Progress], None]) -> Progress:
    """Makes the target as the archive is: what changed is written, what the archive no longer has is removed.

    `root` is the address under which the target will be found; without it, addresses are relative. `tell` hears of
    the progress now and then, and may raise to break off. Twice is once; broken off anywhere, another call goes on.
    Raises TargetFailed, ArchiveUnreachable, PoolBusy and OSError.
    """
    progress = Progress(Instance.objects.filter(archive=archive).count())
    threads = settings.READER_PROCESSES + 1
    with target.held(), ThreadPoolExecutor(threads, thread_name_prefix="export") as executor:
        _Export(archive, target, Addresses(root), executor, progress, tell).run()
    return progress


class _Export:
    def __init__(
        self,
        archive: Archive,
        target: Target,
        addresses: Addresses,
        threads: ThreadPoolExecutor,
        progress: Progress,
        tell: Callable[[Progress], None],
    ) -> None:
        self._archive = archive
        self._store: ImageStore = store_of(archive)
        self._target = target
        self._addresses = addresses
        self._indexes = Indexes(archive, addresses)
        self._threads = threads
        self._progress = progress
        self._tell = tell

    def run(self) -> None:
        studies = list(Study.objects.filter(archive=self._archive).order_by("pk").values_list("pk", flat=True))
        digests = [self._study(study) for pk in studies for study in Study.objects.filter(pk=pk)]
        self._level(_ARCHIVE, self._digest(digests), self._of_archive)
        self._forget()
        self._tell(self._progress)

    def _study(self, study: Study) -> str:
        """Returns what changes with anything that the export has of the study."""
        series = list(study.series.select_related("study").order_by("pk"))
        digests = [self._series(one) for one in series]
        digest = self._digest(study.attributes, study.modalities, digests)
        self._level(study.study_instance_uid, digest, lambda: self._indexes.of_study(study))
        return digest

    def _of_archive(self) -> Iterator[Resource]:
        """A modality that no series has any more keeps an empty list."""
        modalities = notes.modalities(self._target) | self._indexes.modalities()
        notes.note_modalities(self._target, modalities)
        yield from self._indexes.of_archive(sorted(modalities))

    def _level(self, level: str, digest: str, resources: Callable[[], Iterable[Resource]]) -> None:
        if notes.level_digest(self._target, level) == digest:
            return
        notes.forget_level(self._target, level)
        for resource in resources():
            self._target.put(resource)
        self._target.settle()
        notes.note_level(self._target, level, digest)

    def _series(self, series: Series) -> str:
        hashes = dict(Instance.objects.filter(series=series).values_list("sop_instance_uid", "sha256"))
        wanted = {uid: self._digest(sha256) for uid, sha256 in hashes.items()}
        digest = self._digest(series.study.attributes, series.attributes, sorted(wanted.items()))
        note = self._note_of(series)
        if note.digest == digest:
            self._progress.unchanged += len(wanted)
            return digest
        picture = self._threads.submit(self._put_thumbnail, note.path, representative_of(series))
        changed = [uid for uid, one in wanted.items() if note.instances.get(uid) != one]
        gone = note.instances.keys() - wanted.keys()
        note.doubt(gone)
        if not changed:
            note.write(self._target)
        self._progress.unchanged += len(wanted) - len(changed)
        for start in range(0, len(changed), BATCH):
            self._put_instances(series, note, {uid: wanted[uid] for uid in changed[start : start + BATCH]})
        for resource in self._indexes.of_series(series):
            self._target.put(resource)
        picture.result()
        self._target.settle()
        self._remove(note, gone)
        note.digest = UNKNOWN if UNKNOWN in note.instances.values() else digest
        note.write(self._target)
        return digest

    def _note_of(self, series: Series) -> SeriesNote:
        study_instance_uid = series.study.study_instance_uid
        note = notes.series_note(self._target, series.series_instance_uid)
        if note and note.study_instance_uid != study_instance_uid:
            self._forget_series(note)
            note = None
        return note or SeriesNote(study_instance_uid, series.series_instance_uid)

    def _put_instances(self, series: Series, note: SeriesNote, wanted: Mapping[str, str]) -> None:
        """The note has them before anything is written, and with their digests when all is lasting."""
        perhaps_there = note.instances.keys() & wanted.keys()
        note.doubt(wanted)
        note.write(self._target)
        for uid in perhaps_there:
            self._target.remove(f"{note.path}/instances/{uid}")
        rows = series.instances.filter(sop_instance_uid__in=wanted).defer("attributes")
        faults = list(self._threads.map(self._put_instance, rows))
        self._target.settle()
        for row, fault in zip(rows, faults, strict=True):
            if not fault:
                note.instances[row.sop_instance_uid] = wanted[row.sop_instance_uid]
                self._progress.written += 1
            # One that was deleted meanwhile stays in doubt, and the next export removes what was put of it.
            elif Instance.objects.filter(pk=row.pk).exists():
                self._progress.faults.append(f"Instance {row.pk} ({row.sop_instance_uid}): {fault}")
        self._tell(self._progress)

    def _put_instance(self, instance: Instance) -> str:
        """What is wrong with the object, as a sentence; "" when all of it was put. In a thread of its own."""
        try:
            for resource in InstanceExport(instance, self._addresses).resources(self._store):
                self._target.put(resource)
        except (FileRefused, ObjectUnavailable) as fault:
            return str(fault)
        finally:
            connections.close_all()
        return ""

    def _put_thumbnail(self, path: str, instance: Instance | None) -> None:
        """Nothing for what has no image, or one that cannot be shown. In a thread of its own."""
        if instance is None:
            return
        try:
            self._target.put(thumbnail(path, self._store, instance))
        except (FileRefused, ObjectUnavailable):
            log.info("export has no thumbnail", instance=instance.pk)
        finally:
            connections.close_all()

    def _remove(self, note: SeriesNote, gone: Collection[str]) -> None:
        for uid in gone:
            self._target.remove(f"{note.path}/instances/{uid}")
            del note.instances[uid]
            self._progress.removed += 1

    def _forget(self) -> None:
        """Removes what the archive no longer has; after the lists, which name it no more."""
        series = Series.objects.filter(archive=self._archive).values_list("series_instance_uid", flat=True)
        for uid in set(notes.noted_series(self._target)) - set(series):
            note = notes.series_note(self._target, uid)
            if note:
                self._forget_series(note)
                self._progress.removed += len(note.instances)

    def _forget_series(self, note: SeriesNote) -> None:
        """Removes a series, and its study when the archive has that no more."""
        note.doubt(note.instances)
        note.write(self._target)
        notes.forget_level(self._target, note.study_instance_uid)
        self._target.remove(path_of_one(note.series_instance_uid))
        if self._archive.studies.filter(study_instance_uid=note.study_instance_uid).exists():
            self._target.remove(note.path)
        else:
            self._target.remove(f"studies/{note.study_instance_uid}")
        note.remove(self._target)

    def _digest(self, *parts: object) -> str:
        return self._addresses.digest(_FORMAT, *parts)
