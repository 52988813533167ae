"""The Orthanc of a project as an archive: its index is ours, its bytes are asked for when somebody reads them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings

from apps.archives.intake import Arrival
from apps.archives.models import Instance
from apps.archives.object_cache import object_cache
from apps.archives.object_reader import ObjectReader
from apps.archives.port import ObjectUnavailable, Published
from apps.archives.reach import reach
from apps.archives.results import FailureReason, StoredResult
from apps.archives.static.objects import new_temporary_folder, sweep_temporaries
from apps.core.doorbell import ring
from apps.integrations.dicomweb.port import Digest, NoSpaceLeft, NoSuchObject, ObjectNotTaken, ObjectTooLong, OrthancApi

log = structlog.get_logger(__name__)

_STORED_AT_ONCE = 4
_NOT_TAKEN = "The archive's server cannot store this object."
_NO_SPACE = "The archive's server has no space left; tell the administrators."
_ANOTHER = "The archive holds another object with this SOPInstanceUID; that one stays as it is."


class RemoteArchive(ObjectReader):
    """One archive that is an Orthanc (see `port.ImageStore`)."""

    def __init__(self, archive_pk: int) -> None:
        self._pk = archive_pk
        self._root: Path = settings.ARCHIVES_DIR / str(archive_pk)
        self._has_answered = False

    def new_folder(self) -> Path:
        return new_temporary_folder(self._root)

    def publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        with reach(self._pk) as orthanc, ThreadPoolExecutor(_STORED_AT_ONCE, thread_name_prefix="publish") as threads:
            return list(threads.map(lambda arrival: _publish(orthanc, arrival), arrivals))

    def withdraw(self, arrival: Arrival) -> None:
        with reach(self._pk) as orthanc:
            orthanc.delete(arrival.remote_name)

    @contextmanager
    def fetch(self, instance: Instance) -> Iterator[Path]:
        with object_cache().hold(self._name(instance), lambda file: self._fill(instance, file)) as path:
            self._has_answered = True
            yield path

    def check(self, instance: Instance) -> None:
        # What follows an object that could be had is fetched only when it is sent.
        if not self._has_answered:
            with self.fetch(instance):
                pass

    def is_at_hand(self, instance: Instance) -> bool:
        return object_cache().has(self._name(instance))

    def fault_of(self, instance: Instance) -> str:
        with reach(self._pk) as orthanc, Path("/dev/null").open("wb") as nowhere:
            try:
                received = orthanc.download(instance.remote_name, nowhere, most_bytes=instance.size_bytes)
            except NoSuchObject:
                return "the server does not have it; storing the same object again mends it."
            except ObjectTooLong:
                received = None
        return "" if _is_whole(received, instance) else "the server has other bytes than those that the index knows."

    def sweep(self, *, older_than_seconds: float) -> int:
        return sweep_temporaries(self._root, older_than_seconds=older_than_seconds)

    def _name(self, instance: Instance) -> str:
        return f"{self._pk}-{instance.sha256}"

    def _fill(self, instance: Instance, file: IO[bytes]) -> None:
        """Only what has the hash that the index knows is ever handed out."""
        with reach(self._pk) as orthanc:
            try:
                received = orthanc.download(instance.remote_name, file, most_bytes=instance.size_bytes)
            except (NoSuchObject, ObjectTooLong):
                received = None
        if not _is_whole(received, instance):
            log.error("remote object is missing or another one", instance=instance.pk)
            ring("archives.reread", instance.pk)
            raise ObjectUnavailable


def _is_whole(received: Digest | None, instance: Instance) -> bool:
    return received == Digest(instance.size_bytes, instance.sha256)


def _publish(orthanc: OrthancApi, arrival: Arrival) -> Published | StoredResult:
    try:
        stored = orthanc.store(arrival.file.path)
    except ObjectNotTaken:
        return arrival.refused(FailureReason.PROCESSING_FAILURE, _NOT_TAKEN)
    except NoSpaceLeft:
        return arrival.refused(FailureReason.OUT_OF_RESOURCES, _NO_SPACE)
    if not stored.is_new and not _has_same(orthanc, stored.name, arrival):
        return arrival.refused(FailureReason.DUPLICATE_INSTANCE, _ANOTHER)
    return Published(replace(arrival, remote_name=stored.name), stored.is_new)


def _has_same(orthanc: OrthancApi, remote_name: str, arrival: Arrival) -> bool:
    try:
        with Path("/dev/null").open("wb") as nowhere:
            received = orthanc.download(remote_name, nowhere, most_bytes=arrival.size_bytes)
    except (NoSuchObject, ObjectTooLong):
        return False
    return received == Digest(arrival.size_bytes, arrival.sha256)
