"""A folder as the target of an export; deploy/nginx/static-dicomweb.conf serves it."""

import fcntl
import gzip
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.archives.static_export.resources import JSON, WHOLE, Resource, written_to
from apps.archives.static_export.target import TargetFailed
from apps.core.disk import sync

_OWN = ".export"
# Who may enter the folder may read all in it.
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


class FolderTarget:
    """See `target.Target`. Files are written under another name, synced, and renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._notes = root / _OWN / "notes"
        self._unfinished = root / _OWN / "unfinished"
        self._lock = threading.Lock()
        self._changed: set[Path] = set()

    @contextmanager
    def held(self) -> Iterator[None]:
        _make_like_parent(self._root)
        self._notes.mkdir(parents=True, exist_ok=True)
        with (self._root / _OWN / "lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TargetFailed("Another export is being written into this folder.") from None
            if self._unfinished.is_dir():
                shutil.rmtree(self._unfinished)
            self._unfinished.mkdir()
            yield

    def put(self, resource: Resource) -> None:
        self._write(self._root / resource.file_name, resource)

    def settle(self) -> None:
        with self._lock:
            changed, self._changed = self._changed, set()
        for folder in changed:
            sync(folder)

    def remove(self, path: str) -> None:
        place = self._root / path
        for form in (WHOLE, JSON):
            place.with_name(place.name + form.suffix).unlink(missing_ok=True)
        if place.is_dir():
            shutil.rmtree(place)

    def note(self, name: str) -> bytes | None:
        try:
            return gzip.decompress((self._notes / name).read_bytes())
        except FileNotFoundError:
            return None

    def write_note(self, name: str, content: bytes) -> None:
        self._write(self._notes / name, Resource(name, JSON, [content]))
        sync((self._notes / name).parent)

    def remove_note(self, name: str) -> None:
        (self._notes / name).unlink(missing_ok=True)

    def note_names(self) -> Iterable[str]:
        return (path.name for path in self._notes.iterdir())

    def _write(self, place: Path, resource: Resource) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._unfinished)
        try:
            with os.fdopen(descriptor, "wb") as file:
                written_to(file, resource)
                file.flush()
                os.fchmod(descriptor, _FILE_MODE)
                os.fsync(descriptor)
            self._make(place.parent)
            os.replace(temporary, place)
        except BaseException:
            os.unlink(temporary)
            raise
        with self._lock:
            self._changed.add(place.parent)

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make(folder.parent)
        try:
            folder.mkdir()
        except FileExistsError:
            return
        folder.chmod(_FOLDER_MODE)
        with self._lock:
            self._changed.add(folder.parent)


def _make_like_parent(folder: Path) -> None:
    """For those who enter the folder above it by its group, and for nobody else; setgid hands the group on."""
    if folder.is_dir():
        return
    _make_like_parent(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(folder.parent.stat().st_mode & 0o2750)
