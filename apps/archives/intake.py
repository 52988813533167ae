"""Reading files that arrive: each described in a limited child process, hashed and synced here, several at once."""

import gzip
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.archives.results import FailureReason, Outcome, StoredResult
from apps.archives.static.identity import Identity
from apps.archives.static.pool import PoolBusy, default_pool
from apps.archives.static.refusals import FileRefused

_COMPRESSION = 6
_BUSY = "The archive is busy with other files; send this one again in a minute."


@dataclass(frozen=True)
class IncomingFile:
    """A file on the archive's file system; `name` is what its sender calls it, for showing alone.

    With `sop_instance_uid` its sender has said which object it is.
    """

    path: Path
    name: str = ""
    sop_instance_uid: str = ""


@dataclass(frozen=True)
class Arrival:
    """A file that was read: `description` is the header of `describe`, `metadata` its DICOM JSON, gzipped."""

    file: IncomingFile
    identity: Identity
    sha256: str
    size_bytes: int
    description: dict[str, Any]
    metadata: bytes
    orthanc_id: str = ""
    """By which an Orthanc has it, once that is known."""

    def result(self, outcome: Outcome) -> StoredResult:
        return StoredResult(self.file.name, outcome, self.identity)

    def refused(self, reason: FailureReason, sentence: str) -> StoredResult:
        return StoredResult(self.file.name, Outcome.REFUSED, self.identity, sentence, reason)


def read_all(files: Iterable[IncomingFile]) -> list[Arrival | StoredResult]:
    """Reads files as they come, in their order; those that cannot be read are refused results.

    An error of the iterable itself is raised when the files before it have been read.
    """
    with ThreadPoolExecutor(settings.READER_PROCESSES + 1, thread_name_prefix="intake") as threads:
        reading = [threads.submit(_read, file) for file in files]
        return [future.result() for future in reading]


def _read(file: IncomingFile) -> Arrival | StoredResult:
    try:
        header, metadata = default_pool().call("describe", path=str(file.path))
    except FileRefused as refusal:
        return StoredResult(file.name, Outcome.REFUSED, None, refusal.sentence, FailureReason.CANNOT_UNDERSTAND)
    except PoolBusy:
        return StoredResult(file.name, Outcome.REFUSED, None, _BUSY, FailureReason.OUT_OF_RESOURCES)
    identity = Identity(**{name: header.pop(name) for name in Identity.__slots__})
    sha256, size_bytes = _hash_and_sync(file.path)
    return Arrival(file, identity, sha256, size_bytes, header, gzip.compress(metadata, _COMPRESSION, mtime=0))


def _hash_and_sync(path: Path) -> tuple[str, int]:
    """Synced here, where several files are in work at once; publishing then finds nothing left to write."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
