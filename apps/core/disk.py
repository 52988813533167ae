"""The disk of this machine: when it is full, what is lasting on it, and what was left behind."""

import errno
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path


def is_full(error: OSError) -> bool:
    """Whether a write failed since the disk, or the portal's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def sync(path: Path) -> None:
    """Makes the bytes of a file, or the names in a folder, lasting."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_abandoned(entries: Iterable[Path], *, older_than_seconds: float) -> int:
    """Removes the files, and folders with all in them, that nobody has changed for so long; returns how many."""
    oldest = time.time() - older_than_seconds
    abandoned = [entry for entry in entries if _is_older(entry, oldest)]
    for entry in abandoned:
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    return len(abandoned)


def _is_older(entry: Path, oldest: float) -> bool:
    try:
        return entry.stat().st_mtime < oldest
    except FileNotFoundError:
        return False
