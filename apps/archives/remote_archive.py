"""A server as an archive: the index is ours, the bytes are asked for when somebody reads them."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings

from apps.archives.intake import Arrival
from apps.archives.models import Instance
from apps.archives.object_cache import object_cache
from apps.archives.object_reader import ObjectReader
from apps.archives.overview import may_do
from apps.archives.port import DeletionRefused, ObjectUnavailable, Published
from apps.archives.reach import reach
from apps.archives.results import FailureReason, StoredResult
from apps.archives.static.objects import new_temporary_folder, sweep_temporaries
from apps.core.doorbell import ring
from apps.integrations.dicomweb.port import DeletionRefused as ServerRefusesDeletion
from apps.integrations.dicomweb.port import (
    Digest,
    NoSpaceLeft,
    NoSuchObject,
    ObjectNotTaken,
    ObjectServer,
    ObjectTooLong,
    StoringRefused,
)

log = structlog.get_logger(__name__)

STORED_AT_ONCE = 4
NOT_TAKEN = "The archive's server cannot store this object."
NO_SPACE = "The archive's server has no space left; tell the administrators."
READ_ONLY = "The archive's server takes no objects from the portal."
NOT_STORED = (ObjectNotTaken, StoringRefused, NoSpaceLeft)
ANOTHER = "The archive holds another object with this SOPInstanceUID; that one stays as it is."


class RemoteArchive(ObjectReader):
    """One archive at a server (see `port.ImageStore`), whichever it is."""

    def __init__(self, archive_pk: int) -> None:
        self._pk = archive_pk
        self._root: Path = settings.ARCHIVES_DIR / str(archive_pk)
        self._has_answered = False

    def new_folder(self) -> Path:
        return new_temporary_folder(self._root)

    def publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        if not may_do(self._pk, "store"):
            return [refused_there(arrival, StoringRefused()) for arrival in arrivals]
        return self._publish(arrivals)

    @abstractmethod
    def _publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        """`publish`, at a server that takes objects."""

    def confirm(self, arrivals: Sequence[Arrival]) -> None:
        """What was deleted at the server meanwhile leaves the index with the next refresh."""

    def withdraw(self, arrival: Arrival) -> None:
        with reach(self._pk) as server:
            try:
                server.delete(arrival.remote_name)
            except ServerRefusesDeletion:
                log.warning("refused object stays at its server", archive=self._pk)

    def delete(self, instances: Sequence[Instance]) -> Iterator[Instance]:
        """Takes objects away for good, each handed back once it is gone; what was gone is too.

        Raises DeletionRefused and ArchiveUnreachable.
        """
        with reach(self._pk) as server:
            for instance in instances:
                try:
                    server.delete(instance.remote_name)
                except ServerRefusesDeletion as refusal:
                    raise DeletionRefused from refusal
                object_cache().forget(self._name(instance))
                yield instance

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
        with reach(self._pk) as server, Path("/dev/null").open("wb") as nowhere:
            try:
                received = server.download(instance.remote_name, nowhere, most_bytes=instance.size_bytes)
            except NoSuchObject:
                return "the server does not have it; storing the same object again mends it."
            except ObjectTooLong:
                received = None
        return "" if is_whole(received, instance) else "the server has other bytes than those that the index knows."

    def sweep(self, *, older_than_seconds: float) -> int:
        return sweep_temporaries(self._root, older_than_seconds=older_than_seconds)

    def _name(self, instance: Instance) -> str:
        return f"{self._pk}-{instance.sha256}"

    def _fill(self, instance: Instance, file: IO[bytes]) -> None:
        """Only what has the hash that the index knows is ever handed out."""
        with reach(self._pk) as server:
            try:
                received = server.download(instance.remote_name, file, most_bytes=instance.size_bytes)
            except (NoSuchObject, ObjectTooLong):
                received = None
        if not is_whole(received, instance):
            log.error("remote object is missing or another one", instance=instance.pk)
            ring("archives.reread", instance.pk)
            raise ObjectUnavailable


def refused_there(arrival: Arrival, error: ObjectNotTaken | StoringRefused | NoSpaceLeft) -> StoredResult:
    """What is said of an object that its server does not store."""
    if isinstance(error, NoSpaceLeft):
        return arrival.refused(FailureReason.OUT_OF_RESOURCES, NO_SPACE)
    sentence = READ_ONLY if isinstance(error, StoringRefused) else NOT_TAKEN
    return arrival.refused(FailureReason.PROCESSING_FAILURE, sentence)


def is_whole(received: Digest | None, expected: Arrival | Instance) -> bool:
    return received == Digest(expected.size_bytes, expected.sha256)


def has_same(server: ObjectServer, remote_name: str, arrival: Arrival) -> bool:
    """Whether the server has the very bytes of the arrival under the name."""
    try:
        with Path("/dev/null").open("wb") as nowhere:
            return is_whole(server.download(remote_name, nowhere, most_bytes=arrival.size_bytes), arrival)
    except (NoSuchObject, ObjectTooLong):
        return False
