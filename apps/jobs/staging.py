"""The input folder of a run: copies of the archive's files, each compared with the hash that the index has of it.

Copies and no links: where the system cannot confine an algorithm, a link would let it write into the archive.
"""

import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1024**2


class InputDamaged(Exception):
    """An input is missing or its bytes are not those that were frozen with the run."""


@dataclass(frozen=True)
class InputFile:
    """One object to be read: how its file is had, where it goes below the input folder, and its SHA-256.

    `source` may raise InputDamaged.
    """

    source: Callable[[], AbstractContextManager[Path]]
    target: Path
    sha256: str


def target_of(study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> Path:
    """`<Study>/<Series>/<SOP>.dcm`; the index holds only UIDs of digits and dots, so these are plain names."""
    return Path(study_instance_uid, series_instance_uid, f"{sop_instance_uid}.dcm")


def stage(files: Iterable[InputFile], directory: Path) -> None:
    """Make `directory` with all files, read-only. Whole or not at all; twice, or by two workers at once, is once.

    Raises InputDamaged.
    """
    if directory.exists():
        return
    partial = directory.with_name(f"{directory.name}.{uuid.uuid4().hex}")
    partial.mkdir(parents=True)
    for file in files:
        _copy(file, partial / file.target)
    for path, _, _ in os.walk(partial, topdown=False):
        os.chmod(path, 0o500)
    try:
        partial.rename(directory)
    except OSError:
        if not directory.exists():
            raise
        remove(partial)


def check_unchanged(files: Iterable[InputFile], directory: Path) -> None:
    """Raises InputDamaged unless `directory` holds exactly these files, as they were staged."""
    expected = {directory / file.target: file.sha256 for file in files}
    found = {Path(path, name) for path, _, names in os.walk(directory) for name in names}
    if found != set(expected):
        raise InputDamaged("The algorithm changed which files are in its input folder.")
    for path, sha256 in expected.items():
        if not stat.S_ISREG(path.lstat().st_mode) or _sha256(path) != sha256:
            raise InputDamaged("The algorithm changed a file in its input folder.")


def remove(directory: Path) -> None:
    """Remove a folder with everything in it, read-only folders too; what is gone already is as wished."""
    if directory.is_symlink():
        directory.unlink()
    if not directory.exists():
        return
    directory.chmod(0o700)
    for path, names, _ in os.walk(directory):
        for folder in (Path(path, name) for name in names):
            # An algorithm may have left a link here, and chmod would follow it.
            if not folder.is_symlink():
                folder.chmod(0o700)
    shutil.rmtree(directory)


def copy_checked(source: Path, destination: Path, sha256: str) -> None:
    """Copy a plain file, never through a link. Raises InputDamaged when it is missing or has other bytes."""
    digest = hashlib.sha256()
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise InputDamaged(f"A file cannot be read ({error.strerror}).") from error
    with os.fdopen(descriptor, "rb") as file, destination.open("xb") as copy:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
    if digest.hexdigest() != sha256:
        raise InputDamaged("A file does not have the bytes that were recorded of it.")


def _copy(file: InputFile, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    with file.source() as path:
        copy_checked(path, destination, file.sha256)
    destination.chmod(0o400)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
