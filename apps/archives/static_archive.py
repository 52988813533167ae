"""The built-in store as an archive: P10 files in a folder."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from django.conf import settings

from apps.archives.intake import Arrival
from apps.archives.models import Instance
from apps.archives.object_reader import ObjectReader
from apps.archives.port import ObjectUnavailable, Published
from apps.archives.results import FailureReason, StoredResult
from apps.archives.static.layout import object_path
from apps.archives.static.objects import Outcome, new_temporary_folder, put_many, sweep_temporaries

log = structlog.get_logger(__name__)

_DAMAGED = "The archive holds a damaged copy of this object; an administrator has to look (archive verify)."


class StaticArchive(ObjectReader):
    """One built-in archive (see `port.ImageStore`)."""

    def __init__(self, archive_pk: int) -> None:
        self.root: Path = settings.ARCHIVES_DIR / str(archive_pk)

    def object_files(self) -> Iterator[Path]:
        """Every object file that is there, whether or not the index knows it."""
        return (self.root / "objects").rglob("*.dcm")

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

    def withdraw(self, arrival: Arrival) -> None:
        self._path_of(arrival).unlink(missing_ok=True)

    def delete(self, instances: Sequence[Instance]) -> Iterator[Instance]:
        for instance in instances:
            self.path(instance).unlink(missing_ok=True)
            yield instance

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
        yield self.path(instance)

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

    def _path_of(self, arrival: Arrival) -> Path:
        identity = arrival.identity
        return object_path(
            self.root,
            identity.study_instance_uid,
            identity.series_instance_uid,
            identity.sop_instance_uid,
            arrival.sha256,
        )
