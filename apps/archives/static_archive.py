"""The built-in store as an archive: P10 files in a folder."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import structlog
from django.conf import settings

from apps.archives.intake import Arrival
from apps.archives.locking import index_locked
from apps.archives.models import Deletion, Instance, Series
from apps.archives.object_reader import ObjectReader
from apps.archives.port import ObjectUnavailable, Published
from apps.archives.results import FailureReason, StoredResult
from apps.archives.static.layout import OBJECT_SUFFIX, object_path, series_folder, study_folder
from apps.archives.static.objects import Outcome, new_temporary_folder, put_many, sweep_temporaries
from apps.core.disk import sync

log = structlog.get_logger(__name__)

_PURGED_AT_ONCE = 500
_DAMAGED = "The archive holds a damaged copy of this object; an administrator has to look (archive verify)."


class StaticArchive(ObjectReader):
    """One built-in archive (see `port.ImageStore`)."""

    def __init__(self, archive_pk: int) -> None:
        self._pk = archive_pk
        self.root: Path = settings.ARCHIVES_DIR / str(archive_pk)

    def object_files(self) -> Iterator[Path]:
        """Every object file that is there, whether or not the index knows it."""
        return (self.root / "objects").rglob(f"*{OBJECT_SUFFIX}")

    def new_folder(self) -> Path:
        return new_temporary_folder(self.root)

    def publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        outcomes = put_many([(arrival.file.path, self._path_of(arrival)) for arrival in arrivals])
        return [
            arrival.refused(FailureReason.PROCESSING_FAILURE, _DAMAGED)
            if outcome is Outcome.DIFFERENT
            else Published(arrival, is_new=outcome is Outcome.NEW)
            for arrival, outcome in zip(arrivals, outcomes, strict=True)
        ]

    def confirm(self, arrivals: Sequence[Arrival]) -> None:
        places = [(arrival.file.path, self._path_of(arrival)) for arrival in arrivals]
        put_many([(file, place) for file, place in places if not place.exists()])

    def withdraw(self, arrival: Arrival) -> None:
        identity = arrival.identity
        with index_locked(self._pk):
            same = Instance.objects.filter(archive=self._pk, sop_instance_uid=identity.sop_instance_uid)
            belongs = {
                "series__series_instance_uid": identity.series_instance_uid,
                "series__study__study_instance_uid": identity.study_instance_uid,
            }
            if not same.filter(sha256=arrival.sha256, **belongs).exists():
                self._path_of(arrival).unlink(missing_ok=True)

    def purge(self, deletion: Deletion) -> None:
        """Takes away for good the files of what was deleted, but for those that rows name again by now."""
        found = iter(self.files_of(deletion))
        changed: set[Path] = set()
        while some := list(islice(found, _PURGED_AT_ONCE)):
            with index_locked(self._pk):
                objects, folders = self._named(deletion)
                for path in some:
                    if path not in objects and (path.suffix == OBJECT_SUFFIX or path.parent not in folders):
                        path.unlink(missing_ok=True)
                        changed.add(path.parent)
        for folder in changed:
            sync(folder)

    def path(self, instance: Instance) -> Path:
        """Where the file is, or was."""
        series = instance.series
        return object_path(
            self.root,
            series.study.study_instance_uid,
            series.series_instance_uid,
            instance.sop_instance_uid,
            instance.sha256,
        )

    @contextmanager
    def fetch(self, instance: Instance) -> Iterator[Path]:
        self.check(instance)
        try:
            yield self.path(instance)
        except FileNotFoundError:
            # It may have been deleted before it was opened.
            self.check(instance)
            raise

    def check(self, instance: Instance) -> None:
        try:
            is_whole = self.path(instance).stat().st_size == instance.size_bytes
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            log.error("stored object is missing or damaged", instance=instance.pk)
            raise ObjectUnavailable

    def is_at_hand(self, instance: Instance) -> bool:
        return True

    def fault_of(self, instance: Instance) -> str:
        path = self.path(instance)
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return f"its file {path} is missing; storing the same object again mends it."
        return "" if digest == instance.sha256 else f"the bytes of its file {path} have changed since it was stored."

    def sweep(self, *, older_than_seconds: float) -> int:
        return sweep_temporaries(self.root, older_than_seconds=older_than_seconds)

    def files_of(self, deletion: Deletion) -> list[Path]:
        """Those that are there; of a whole series, metadata files included."""
        if not deletion.series_instance_uid:
            return list(study_folder(self.root, deletion.study_instance_uid).glob("*/*"))
        uids = deletion.study_instance_uid, deletion.series_instance_uid
        folder = series_folder(self.root, *uids)
        if not deletion.sop_instance_uid:
            return list(folder.glob("*"))
        path = object_path(self.root, *uids, deletion.sop_instance_uid, deletion.sha256)
        return [path] if path.exists() else []

    def _named(self, deletion: Deletion) -> tuple[set[Path], set[Path]]:
        """Of what was deleted, the object files that rows name, and the folders of the series that there are."""
        study_instance_uid = deletion.study_instance_uid
        series = Series.objects.filter(archive=self._pk, study__study_instance_uid=study_instance_uid)
        if deletion.series_instance_uid:
            series = series.filter(series_instance_uid=deletion.series_instance_uid)
        instances = (
            Instance.objects.filter(series__in=series)
            .select_related("series__study")
            .only("sop_instance_uid", "sha256", "series__series_instance_uid", "series__study__study_instance_uid")
        )
        if deletion.sop_instance_uid:
            instances = instances.filter(sop_instance_uid=deletion.sop_instance_uid)
        uids = series.values_list("series_instance_uid", flat=True)
        return set(map(self.path, instances)), {series_folder(self.root, study_instance_uid, uid) for uid in uids}

    def _path_of(self, arrival: Arrival) -> Path:
        identity = arrival.identity
        return object_path(
            self.root,
            identity.study_instance_uid,
            identity.series_instance_uid,
            identity.sop_instance_uid,
            arrival.sha256,
        )
