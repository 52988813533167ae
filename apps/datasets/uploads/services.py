"""Taking files in: loose files and zip archives on disk, into the archive, batch by batch."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import (
    FailureReason,
    FileRefused,
    IncomingFile,
    Outcome,
    PoolBusy,
    StoredResult,
    reader,
    store_files,
)
from apps.core.disk import remove_abandoned
from apps.datasets.models import Upload
from apps.datasets.uploads import progress
from apps.datasets.uploads.progress import Sent, is_too_early
from apps.datasets.uploads.receiving import SUFFIX

BATCH_FILES = 200
MAX_ZIP_MEMBERS = 100_000
UNZIP_SECONDS = 3600
ABANDONED_SECONDS = 24 * 3600
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Receipt:
    """What became of the files of one request, which may be a part of its upload."""

    upload: Upload
    results: tuple[StoredResult, ...]
    still_waiting: tuple[int, ...]
    """Primary keys of announced files that came too early for a busy archive."""

    @property
    def refused(self) -> list[StoredResult]:
        return [result for result in self.results if result.is_refused]

    @property
    def study_instance_uids(self) -> list[str]:
        taken = (result.identity for result in self.results if not result.is_refused)
        return sorted({identity.study_instance_uid for identity in taken if identity})

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)


def receive(
    archive: Archive, files: Sequence[IncomingFile], *, by: User, key: uuid.UUID, announced: Sequence[int] = ()
) -> Receipt:
    """Stores files that lie in FILE_UPLOAD_TEMP_DIR, zip archives unpacked, and counts them on the upload `key`.

    `announced` are the primary keys of their rows, in the same order. The files stay with the caller. Raises
    NotAnnounced, and OSError when the disk is full: the batches before are stored and counted.
    """
    upload = progress.begin(archive, by=by, key=key)
    return store(upload, progress.sent(upload, files, announced))


def store(upload: Upload, sent: Sequence[Sent]) -> Receipt:
    """Stores files of an upload and counts them. Raises as `receive` does; may be called again with the same files."""
    loose = [one for one in sent if not _is_zip(one.file.path)]
    results = [result for batch in _batches(loose) for result in _store(upload, batch)]
    for packed in [one for one in sent if _is_zip(one.file.path)]:
        results += _store_zip(upload, packed)
    return Receipt(upload, tuple(results), progress.still_waiting(upload, sent))


def import_files(archive: Archive, paths: Sequence[Path], *, by: User) -> Receipt:
    """Stores copies of files and zip archives of this machine the way an upload does."""
    with _temporary_folder() as folder:
        copies = [
            IncomingFile(Path(shutil.copyfile(path, folder / f"{number:06}")), path.name)
            for number, path in enumerate(paths)
        ]
        return receive(archive, copies, by=by, key=uuid.uuid4())


def sweep() -> int:
    """Removes what uploads that were killed left in the temporary folder; returns how many entries.

    The folder is that of the whole portal: what others keep there for days is theirs.
    """
    left = Path(settings.FILE_UPLOAD_TEMP_DIR).glob(f"*{SUFFIX}")
    return remove_abandoned(left, older_than_seconds=ABANDONED_SECONDS)


def _store(upload: Upload, batch: Sequence[Sent]) -> list[StoredResult]:
    results = store_files(upload.archive, [one.file for one in batch], by=upload.by)
    progress.settle(upload, batch, results)
    return results


def _store_zip(upload: Upload, packed: Sent) -> list[StoredResult]:
    with _temporary_folder() as folder:
        try:
            members = _unpacked(packed.file, folder)
        except FileRefused as refusal:
            return _refuse(upload, packed, refusal.sentence, FailureReason.CANNOT_UNDERSTAND)
        except PoolBusy as busy:
            return _refuse(upload, packed, str(busy), FailureReason.OUT_OF_RESOURCES)
        files = [packed.member(number, member) for number, member in enumerate(members)]
        results = [result for batch in _batches(files) for result in _store(upload, batch)]
    if not any(map(is_too_early, results)):
        progress.mark_unpacked(upload, packed)
    return results


def _refuse(upload: Upload, packed: Sent, sentence: str, reason: FailureReason) -> list[StoredResult]:
    results = [StoredResult(packed.file.name, Outcome.REFUSED, sentence=sentence, failure_reason=reason)]
    progress.settle(upload, [packed], results)
    return results


def _unpacked(packed: IncomingFile, folder: Path) -> list[IncomingFile]:
    reply = reader().call(
        "unzip",
        timeout_seconds=UNZIP_SECONDS,
        path=str(packed.path),
        directory=str(folder),
        max_bytes=settings.UPLOAD_MAX_BYTES,
        max_members=MAX_ZIP_MEMBERS,
    )
    members = reply.header["members"]
    return [IncomingFile(Path(member["path"]), f"{packed.name}: {member['name']}") for member in members]


def _batches(files: Sequence[Sent]) -> Iterator[Sequence[Sent]]:
    for start in range(0, len(files), BATCH_FILES):
        yield files[start : start + BATCH_FILES]


def _is_zip(path: Path) -> bool:
    """By its first bytes; a DICOM file may hold anything in its preamble, a zip's mark included."""
    with path.open("rb") as file:
        head = file.read(132)
    return head.startswith(ZIP_STARTS) and head[128:] != b"DICM"


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(suffix=SUFFIX, dir=settings.FILE_UPLOAD_TEMP_DIR))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
