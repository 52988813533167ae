"""What must be true before Django can start: Python's version, a folder to write in, the secrets.

Standard library only, since the packages may not fit yet.
"""

import os
import secrets
import shutil
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
LEAST_FREE_BYTES = 500 * 1024**2
FOLDERS = ("outbox", "queue", "queue/control", "tmp", "archives", "runs", "cache", "static")


def var_dir() -> Path:
    """The folder that holds everything the portal keeps on this machine."""
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()


def prepare() -> None:
    """Makes the folders and the secrets.

    Raises SystemExit with one sentence that says what to do.
    """
    if sys.version_info[:2] != (3, 11):
        raise SystemExit(
            f"The portal needs Python 3.11, this is {sys.version.split()[0]}: run `make run PYTHON=python3.11`."
        )
    var = var_dir()
    try:
        _make_folders(var)
        _make_secret(var / "secret_key")
    except OSError as error:
        raise SystemExit(
            f"The folder {var} cannot be written ({error.strerror}): make it writable or set VAR_DIR."
        ) from error
    free = shutil.disk_usage(var).free
    if free < LEAST_FREE_BYTES:
        raise SystemExit(
            f"Only {free // 1024**2} MiB are free in {var}, {LEAST_FREE_BYTES // 1024**2} are needed: "
            "free some space or set VAR_DIR to a larger disk."
        )


def _make_folders(var: Path) -> None:
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in FOLDERS:
        (var / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    probe = var / "tmp" / f".probe-{os.getpid()}"
    probe.touch()
    probe.unlink()


def _make_secret(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
