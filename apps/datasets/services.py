"""Taking files in: loose files and zip archives on disk, into the archive, batch by batch."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import FileRefused, IncomingFile, Outcome, StoredResult, reader, store_files
from apps.audit.services import record
from apps.core.disk import remove_abandoned
from apps.datasets.models import Upload
from apps.datasets.receiving import SUFFIX

BATCH_FILES = 200
MAX_ZIP_MEMBERS = 100_000
UNZIP_SECONDS = 3600
KEPT_REFUSALS = 1000
ABANDONED_SECONDS = 24 * 3600
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Receipt:
    """What became of the files of one request, which may be a part of its upload."""

    upload: Upload
    results: tuple[StoredResult, ...]

    @property
    def refused(self) -> list[StoredResult]:
        return [result for result in self.results if result.is_refused]

    @property
    def study_instance_uids(self) -> list[str]:
        taken = (result.identity for result in self.results if not result.is_refused)
        return sorted({identity.study_instance_uid for identity in taken if identity})

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)


def receive(archive: Archive, files: Sequence[IncomingFile], *, by: User, key: uuid.UUID) -> Receipt:
    """Stores files that lie in FILE_UPLOAD_TEMP_DIR, zip archives unpacked, and counts them on the upload `key`.

    The files stay with the caller. Raises OSError when the disk is full: the batches before are stored and counted.
    """
    upload = _begin(archive, by=by, key=key)
    results: list[StoredResult] = []
    for batch in _batches([file for file in files if not _is_zip(file.path)]):
        results += _store(upload, batch)
    for packed in [file for file in files if _is_zip(file.path)]:
        results += _store_zip(upload, packed)
    return Receipt(upload, tuple(results))


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


def _begin(archive: Archive, *, by: User, key: uuid.UUID) -> Upload:
    with transaction.atomic():
        upload, is_new = Upload.objects.get_or_create(key=key, by=by, archive=archive)
        if is_new:
            record("images.upload", actor=by.pk, project=archive.project_id, subject=upload)
    return upload


def _store(upload: Upload, batch: Sequence[IncomingFile]) -> list[StoredResult]:
    results = store_files(upload.archive, batch, by=upload.by)
    _count(upload, results)
    return results


def _store_zip(upload: Upload, packed: IncomingFile) -> list[StoredResult]:
    with _temporary_folder() as folder:
        try:
            members = _unpacked(packed, folder)
        except FileRefused as refusal:
            results = [StoredResult(packed.name, Outcome.REFUSED, sentence=refusal.sentence)]
            _count(upload, results)
            return results
        return [result for batch in _batches(members) for result in _store(upload, batch)]


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


def _count(upload: Upload, results: Sequence[StoredResult]) -> None:
    """Adds to the row, under its lock: a page sends several requests of one upload at once."""
    part = Receipt(upload, tuple(results))
    refusals = [{"name": result.name, "sentence": result.sentence} for result in part.refused]
    with transaction.atomic():
        row = Upload.objects.select_for_update().get(pk=upload.pk)
        row.stored_count += part.count(Outcome.STORED)
        row.present_count += part.count(Outcome.PRESENT)
        row.refused_count += part.count(Outcome.REFUSED)
        row.refusals = (row.refusals + refusals)[:KEPT_REFUSALS]
        row.study_instance_uids = sorted({*row.study_instance_uids, *part.study_instance_uids})
        row.last_at = timezone.now()
        row.save()


def _batches(files: Sequence[IncomingFile]) -> Iterator[Sequence[IncomingFile]]:
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
