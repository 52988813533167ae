"""Copies of remote objects on this machine, for as long as somebody reads them and a little longer.

A file is read under a shared lock and removed only under an exclusive one, so that it stays while a child process reads
it by its path; locks of a process that dies are gone with it.
"""

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from django.conf import settings

Fill = Callable[[IO[bytes]], None]

_KEPT_SECONDS = 3600
_PARTIAL = ".part"


class ObjectCache:
    """At most `most_bytes` of files in `folder`, those that were not used for longest making room, and what each
    process has added since it looked: a sixteenth of that."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._added_bytes = 0

    @contextmanager
    def hold(self, name: str, fill: Fill) -> Iterator[Path]:
        """The file of that name, which stays until the block ends; `fill` writes it when it is not there."""
        path = self._folder / name
        descriptor = _held(path)
        if descriptor is None:
            descriptor = self._added(path, fill)
        try:
            os.utime(descriptor)
            yield path
        finally:
            os.close(descriptor)

    def has(self, name: str) -> bool:
        return (self._folder / name).exists()

    def forget(self, name: str) -> None:
        """Removes the file; one that is being read stays until a sweep."""
        _removed(self._folder / name)

    def sweep(self) -> int:
        """Removes what nobody used for an hour, and what does not fit; returns how many."""
        removed = 0
        oldest = time.time() - _KEPT_SECONDS
        entries = sorted(_entries(self._folder), key=lambda entry: entry[1])
        excess = sum(size for _, _, size in entries) - self._most_bytes
        for path, used_at, size in entries:
            if (used_at < oldest or excess > 0) and _removed(path):
                excess -= size
                removed += 1
        return removed

    def _added(self, path: Path, fill: Fill) -> int:
        """Puts a file there; returns a descriptor that keeps it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(suffix=_PARTIAL, dir=self._folder)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                fill(file)
            os.replace(partial, path)
        except BaseException:
            os.unlink(partial)
            os.close(descriptor)
            raise
        self._count(os.fstat(descriptor).st_size)
        return descriptor

    def _count(self, size: int) -> None:
        with self._lock:
            self._added_bytes += size
            if self._added_bytes < self._most_bytes // 16:
                return
            self._added_bytes = 0
        self.sweep()


def object_cache() -> ObjectCache:
    """That of this machine, as this process knows it."""
    with _lock:
        return _caches.setdefault(
            settings.OBJECT_CACHE_DIR, ObjectCache(settings.OBJECT_CACHE_DIR, settings.OBJECT_CACHE_BYTES)
        )


_caches: dict[Path, ObjectCache] = {}
_lock = threading.Lock()


def _held(path: Path) -> int | None:
    """A descriptor that keeps the file from being removed; None when it is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    # It may have been removed, or put anew, before the lock was had.
    with suppress(FileNotFoundError):
        if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    os.close(descriptor)
    return None


def _removed(path: Path) -> bool:
    """Whether the file is gone now; one that is being read or written stays."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _entries(folder: Path) -> list[tuple[Path, float, int]]:
    """Each file with the time of its last use and its size."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                status = entry.stat()
                found.append((Path(entry.path), status.st_mtime, status.st_size))
    return found
