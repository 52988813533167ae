"""Reading files that arrive: each described in a limited child process, hashed and synced here, several at once."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from apps.archives.results import FailureReason, Outcome, StoredResult
from apps.archives.rows import ColumnMaker, Columns
from apps.archives.static.identity import Identity
from apps.archives.static.pool import Answer, PoolBusy, default_pool
from apps.archives.static.refusals import FileRefused

# Each question to a child costs some turns of threads; the children share what comes, so not too many at once.
_READ_AT_ONCE = 8
_SYNCED_AT_ONCE = 8
_OUT_OF_RESOURCES = FailureReason.OUT_OF_RESOURCES
_BUSY = "The archive is busy with other files; send this one again in a minute."


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that was read."""

    file: IncomingFile
    identity: Identity
    columns: Columns
    sha256: str
    size_bytes: int
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
    maker = ColumnMaker()
    disk = _disk()
    with ThreadPoolExecutor(settings.READER_PROCESSES, thread_name_prefix="intake") as readers:
        groups = [
            (readers.submit(_describe, group, maker), [disk.submit(_hash_and_sync, file.path) for file in group])
            for group in _groups(files)
        ]
        return [
            Arrival(*one, *digest.result()) if isinstance(one, _Described) else one
            for described, digests in groups
            for one, digest in zip(described.result(), digests, strict=True)
        ]


@cache
def _disk() -> ThreadPoolExecutor:
    """Threads of this process that stay: to start them had taken a request of 50 files a tenth of its time."""
    return ThreadPoolExecutor(_SYNCED_AT_ONCE, thread_name_prefix="intake-sync")


os.register_at_fork(after_in_child=_disk.cache_clear)


class _Described(NamedTuple):
    file: IncomingFile
    identity: Identity
    columns: Columns


def _groups(files: Iterable[IncomingFile]) -> Iterator[list[IncomingFile]]:
    left = iter(files)
    while group := list(islice(left, _READ_AT_ONCE)):
        yield group


def _describe(files: Sequence[IncomingFile], maker: ColumnMaker) -> list[_Described | StoredResult]:
    try:
        answers = default_pool().call_many("describe", [{"path": str(file.path)} for file in files])
    except PoolBusy:
        return [StoredResult(file.name, Outcome.REFUSED, None, _BUSY, _OUT_OF_RESOURCES) for file in files]
    return [_described(file, answer, maker) for file, answer in zip(files, answers, strict=True)]


def _described(file: IncomingFile, answer: Answer, maker: ColumnMaker) -> _Described | StoredResult:
    if isinstance(answer, OSError):
        raise answer
    if isinstance(answer, FileRefused):
        return StoredResult(file.name, Outcome.REFUSED, None, answer.sentence, FailureReason.CANNOT_UNDERSTAND)
    identity = Identity(**{name: answer.header.pop(name) for name in Identity.__slots__})
    return _Described(file, identity, maker.columns(identity, answer.header, answer.body))


def _hash_and_sync(path: Path) -> Digest:
    """Synced here, where many files are in work at once: the disk then writes several in one go."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return Digest(hashlib.file_digest(file, "sha256").hexdigest(), file.tell())
