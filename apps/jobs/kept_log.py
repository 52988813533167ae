"""What is kept here of the log of a run that goes on elsewhere: `RUNS_DIR/<name>/log`, which only grows."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from django.conf import settings

from apps.integrations.executors.port import LOG_CHUNK_BYTES, LogChunk, decode_chunk

CUT = b"\n[The log went on faster than it could be followed.]\n"


def replace(name: str, fetched: bytes) -> None:
    """Take over a log as it was fetched whole. Where its beginning is gone, what is kept stays, and is marked once."""
    path = Path(settings.RUNS_DIR, name, "log")
    kept = path.read_bytes() if path.exists() else b""
    if fetched.startswith(kept):
        grown = fetched
    elif kept.startswith(fetched) or kept.endswith(CUT):
        return
    else:
        grown = kept + CUT
    if grown != kept:
        _write(path, grown)


def read(name: str, offset: int) -> LogChunk:
    try:
        with Path(settings.RUNS_DIR, name, "log").open("rb") as file:
            file.seek(offset)
            return decode_chunk(file.read(LOG_CHUNK_BYTES), offset)
    except FileNotFoundError:
        return LogChunk("", offset)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_name(f"log.{os.getpid()}.{threading.get_ident()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
