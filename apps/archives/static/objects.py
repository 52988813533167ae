"""Writing and reading the files of an archive: whole or not at all, and never over another."""

import enum
import filecmp
import gzip
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from apps.core.disk import remove_abandoned, sync

from .layout import incoming_folder

CHUNK_BYTES = 256 * 1024


class Outcome(enum.Enum):
    """What became of a file that was put."""

    NEW = "new"
    SAME = "same"
    DIFFERENT = "different"


class ObjectCutShort(Exception):
    """A stored file is shorter than the ranges that were recorded for it."""


def new_temporary(root: Path) -> Path:
    """A fresh empty file in the archive's incoming folder."""
    incoming = incoming_folder(root)
    incoming.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=incoming)
    os.close(descriptor)
    return Path(name)


def new_temporary_folder(root: Path) -> Path:
    """A fresh empty folder in the archive's incoming folder."""
    incoming = incoming_folder(root)
    incoming.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=incoming))


def put(temporary: Path, destination: Path) -> Outcome:
    """`put_many` of one file."""
    return put_many([(temporary, destination)])[0]


def put_many(files: Sequence[tuple[Path, Path]]) -> list[Outcome]:
    """Publish temporary files, whose bytes are lasting, under their destinations; lasting when this returns.

    A destination that exists is never written over: with the same bytes the outcome is SAME, otherwise DIFFERENT. The
    temporary file is a second name of the published one: the caller writes to it no more, and removes it when nothing
    can ask to put it again.
    """
    changed: set[Path] = set()
    outcomes = [_publish(temporary, destination, changed) for temporary, destination in files]
    for folder in changed:
        sync(folder)
    return outcomes


def read_range(path: Path, ranges: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """The bytes of (offset, length) ranges one after the other, in chunks of at most 256 KiB."""
    with path.open("rb", buffering=0) as file:
        for offset, length in ranges:
            file.seek(offset)
            yield from _chunks(file.read, length)


def sweep_temporaries(root: Path, *, older_than_seconds: float) -> int:
    """Remove what uploads that died left in the incoming folder; returns how many entries."""
    return remove_abandoned(incoming_folder(root).glob("*"), older_than_seconds=older_than_seconds)


def write_series_metadata(destination: Path, root: Path, instances: Iterable[bytes]) -> None:
    """Write the metadata of a series as one gzipped JSON array, one object a line; readers see no file or a whole one.

    An object must have no line break between its tokens.
    """
    changed = _make_folder(destination.parent)
    temporary = new_temporary(root)
    with temporary.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        packed.write(b"[\n")
        for number, instance in enumerate(instances):
            packed.write((b",\n" if number else b"") + instance)
        packed.write(b"\n]\n")
    sync(temporary)
    temporary.replace(destination)
    for folder in {*changed, destination.parent}:
        sync(folder)


def _publish(temporary: Path, destination: Path, changed: set[Path]) -> Outcome:
    changed |= _make_folder(destination.parent)
    outcome = None
    while outcome is None:
        outcome = _linked(temporary, destination)
    # Also for a twin: its writer may not yet have synced the folder.
    changed.add(destination.parent)
    return outcome


def _linked(temporary: Path, destination: Path) -> Outcome | None:
    """None for a twin that was taken away while it was looked at."""
    try:
        # A rename would write over a twin that arrived first; a link does not.
        os.link(temporary, destination)
    except FileExistsError:
        with suppress(FileNotFoundError):
            return Outcome.SAME if filecmp.cmp(temporary, destination, shallow=False) else Outcome.DIFFERENT
        return None
    return Outcome.NEW


def _make_folder(folder: Path) -> set[Path]:
    """Make a folder and those above it; returns the folders that hold a new entry."""
    if folder.is_dir():
        return set()
    changed = _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    return {*changed, folder.parent}


def _chunks(read: Callable[[int], bytes], length: int) -> Iterator[bytes]:
    remaining = length
    while remaining:
        chunk = read(min(remaining, CHUNK_BYTES))
        if not chunk:
            raise ObjectCutShort
        remaining -= len(chunk)
        yield chunk
