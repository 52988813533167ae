"""Reading files that arrive: each described in a limited child process, hashed and synced here, several at once."""

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from apps.archives.results import FailureReason, Outcome, StoredResult
from apps.archives.static.identity import Identity
from apps.archives.static.pool import Answer, PoolBusy, Reply, default_pool
from apps.archives.static.refusals import FileRefused

_COMPRESSION = 6
# Each question to a child costs some turns of threads; the children share what comes, so not too many at once.
_READ_AT_ONCE = 8
_SYNCED_AT_ONCE = 8
_BUSY = "The archive is busy with other files; send this one again in a minute."


@dataclass(frozen=True)
class IncomingFile:
    """A file on the archive's file system; `name` is what its sender calls it, for showing alone.

    With `sop_instance_uid` its sender has said which object it is.
    """

    path: Path
    name: str = ""
    sop_instance_uid: str = ""


class Digest(NamedTuple):
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Arrival:
    """A file that was read: `description` is the header of `describe`, `metadata` its DICOM JSON, gzipped."""

    file: IncomingFile
    identity: Identity
    sha256: str
    size_bytes: int
    description: dict[str, Any]
    metadata: bytes
    remote_name: str = ""
    """By which a remote archive has it, once that is known."""

    def result(self, outcome: Outcome) -> StoredResult:
        return StoredResult(self.file.name, outcome, self.identity)

    def refused(self, reason: FailureReason, sentence: str) -> StoredResult:
        return StoredResult(self.file.name, Outcome.REFUSED, self.identity, sentence, reason)


def read_all(files: Iterable[IncomingFile]) -> list[Arrival | StoredResult]:
    """Reads files as they come, in their order; those that cannot be read are refused results.

    An error of the iterable itself is raised when the files before it have been read.
    """
    with (
        ThreadPoolExecutor(settings.READER_PROCESSES, thread_name_prefix="intake") as readers,
        ThreadPoolExecutor(_SYNCED_AT_ONCE, thread_name_prefix="intake-sync") as disk,
    ):
        groups = [
            (group, readers.submit(_describe, group), [disk.submit(_hash_and_sync, file.path) for file in group])
            for group in _groups(files)
        ]
        return [
            _arrival(file, answer, digest.result()) if isinstance(answer, Reply) else _refused(file, answer)
            for group, described, digests in groups
            for file, answer, digest in zip(group, described.result(), digests, strict=True)
        ]


def _groups(files: Iterable[IncomingFile]) -> Iterator[list[IncomingFile]]:
    left = iter(files)
    while group := list(islice(left, _READ_AT_ONCE)):
        yield group


def _describe(files: Sequence[IncomingFile]) -> list[Reply | FileRefused | PoolBusy]:
    try:
        answers = default_pool().call_many("describe", [{"path": str(file.path)} for file in files])
    except PoolBusy as busy:
        return [busy] * len(files)
    return [_unless_system_fails(answer) for answer in answers]


def _unless_system_fails(answer: Answer) -> Reply | FileRefused:
    if isinstance(answer, OSError):
        raise answer
    return answer


def _arrival(file: IncomingFile, description: Reply, digest: Digest) -> Arrival:
    header, metadata = description
    identity = Identity(**{name: header.pop(name) for name in Identity.__slots__})
    return Arrival(file, identity, *digest, header, gzip.compress(metadata, _COMPRESSION, mtime=0))


def _refused(file: IncomingFile, reason: FileRefused | PoolBusy) -> StoredResult:
    if isinstance(reason, FileRefused):
        return StoredResult(file.name, Outcome.REFUSED, None, reason.sentence, FailureReason.CANNOT_UNDERSTAND)
    return StoredResult(file.name, Outcome.REFUSED, None, _BUSY, FailureReason.OUT_OF_RESOURCES)


def _hash_and_sync(path: Path) -> Digest:
    """Synced here, where many files are in work at once: the disk then writes several in one go."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return Digest(hashlib.file_digest(file, "sha256").hexdigest(), file.tell())
