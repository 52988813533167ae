"""A large file comes in parts, each written behind the last acknowledged byte; once it is whole, a worker takes it.

What a killed process has written beyond that byte is cut off. The lock on the file ends with its holder's process.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings

from apps.archives.services import ArchiveUnreachable, IncomingFile
from apps.core import disk
from apps.core.doorbell import ring
from apps.datasets.models import UploadedFile
from apps.datasets.uploads import services
from apps.datasets.uploads.progress import Sent
from apps.datasets.uploads.receiving import SUFFIX

log = structlog.get_logger(__name__)

TASK = "datasets.take"
Outcome = UploadedFile.Outcome


class PartRefused(Exception):
    """Not the next part of the file, which begins at `received_bytes`."""

    def __init__(self, received_bytes: int) -> None:
        super().__init__(f"The next part begins at byte {received_bytes}.")
        self.received_bytes = received_bytes


def append(file: UploadedFile, offset: int, chunks: Iterable[bytes]) -> int:
    """Writes the part of a file that begins at `offset`; the number of bytes that are in for good by then.

    Raises PartRefused, and what `chunks` and a full disk raise; what came before that is in for good as well.
    """
    if file.outcome != Outcome.WAITING:
        raise PartRefused(file.size_bytes)
    with _locked(file, os.O_RDWR | os.O_CREAT) as part:
        file.refresh_from_db()
        received = min(os.fstat(part.fileno()).st_size, file.received_bytes)
        if offset != received:
            raise PartRefused(received)
        part.truncate(received)
        part.seek(received)
        received = _written(file, part, chunks)
    if received == file.size_bytes:
        ring(TASK, file.pk)
    return received


def take(file: UploadedFile) -> None:
    """Stores a file that has come in whole. Twice is once; what cannot be stored now is tried again by the sweep."""
    try:
        with _locked(file, os.O_RDWR):
            file.refresh_from_db()
            if file.outcome == Outcome.ARRIVED:
                _store(file)
    except PartRefused:
        log.info("another worker takes the file", file=file.pk)
    except FileNotFoundError:
        # Swept, since no worker came for it in time: the page sends it anew.
        _change(file, Outcome.ARRIVED, outcome=Outcome.WAITING, received_bytes=0)


def sweep() -> None:
    """Rings for what waits to be taken."""
    for pk in UploadedFile.objects.filter(outcome=Outcome.ARRIVED).values_list("pk", flat=True):
        ring(TASK, pk)


def path_of(file: UploadedFile) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR, f"{file.pk}.part{SUFFIX}")


def _written(file: UploadedFile, part: IO[bytes], chunks: Iterable[bytes]) -> int:
    received = part.tell()
    try:
        for chunk in chunks:
            if received + len(chunk) > file.size_bytes:
                raise PartRefused(received)
            part.write(chunk)
            part.flush()
            received += len(chunk)
    finally:
        os.fsync(part.fileno())
        outcome = Outcome.ARRIVED if received == file.size_bytes else Outcome.WAITING
        _change(file, Outcome.WAITING, outcome=outcome, received_bytes=received)
    return received


def _store(file: UploadedFile) -> None:
    sent = Sent(IncomingFile(path_of(file), file.name), file.fingerprint, file.pk)
    try:
        services.store(file.upload, [sent])
    except (ArchiveUnreachable, OSError) as error:
        if isinstance(error, OSError) and not disk.is_full(error):
            raise
        log.warning("file waits to be stored", file=file.pk, exc_info=True)
        sentence = str(error) if isinstance(error, ArchiveUnreachable) else "The disk of this portal is full."
        _change(file, Outcome.ARRIVED, sentence=sentence)
        return
    file.refresh_from_db()
    if file.outcome != Outcome.ARRIVED:
        path_of(file).unlink(missing_ok=True)


def _change(file: UploadedFile, only_if: UploadedFile.Outcome, **fields: object) -> None:
    UploadedFile.objects.filter(pk=file.pk, outcome=only_if).update(**fields)


@contextmanager
def _locked(file: UploadedFile, flags: int) -> Iterator[IO[bytes]]:
    """Its bytes so far. Raises PartRefused while another process writes or reads them."""
    with os.fdopen(os.open(path_of(file), flags, 0o600), "r+b") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PartRefused(file.received_bytes) from error
        yield part
