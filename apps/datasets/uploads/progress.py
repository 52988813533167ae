"""The files of an upload: announced by their page, they come in whatever order, and each has one outcome in the end."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import FailureReason, IncomingFile, StoredResult
from apps.audit.services import record
from apps.datasets.models import Upload, UploadedFile
from apps.datasets.uploads.announcing import Announcement

Outcome = UploadedFile.Outcome
TAKEN = (Outcome.STORED, Outcome.PRESENT, Outcome.UNPACKED)
OFFERED = timedelta(days=7)
"""For how long a page offers to go on with an upload."""


class NotAnnounced(Exception):
    """The message is for everybody."""

    def __init__(self) -> None:
        super().__init__("These files were announced by somebody else, or their upload is gone. Reload the page.")


@dataclass(frozen=True)
class Sent:
    """A file that has come. `pk` is that of its row when it was announced."""

    file: IncomingFile
    fingerprint: str
    pk: int | None = None

    def member(self, number: int, file: IncomingFile) -> "Sent":
        """File `number` of this zip archive; the same one when the archive comes again."""
        return Sent(file, hashlib.sha256(f"{self.fingerprint}\0{number}".encode()).hexdigest())


@dataclass(frozen=True)
class Offer:
    """Under which key a page sends: that of an upload to go on with, of which `missing_count` files have not come."""

    key: uuid.UUID
    upload: Upload | None = None
    file_count: int = 0
    missing_count: int = 0

    @property
    def settled_count(self) -> int:
        return self.file_count - self.missing_count


def begin(archive: Archive, *, by: User, key: uuid.UUID) -> Upload:
    """The upload of this key, which one request of several is the first to name."""
    with transaction.atomic():
        upload, is_new = Upload.objects.get_or_create(key=key, by=by, archive=archive)
        if is_new:
            record("images.upload", actor=by.pk, project=archive.project_id, subject=upload)
    return upload


def announce(upload: Upload, files: Sequence[Announcement]) -> list[UploadedFile]:
    """The rows of files in their order, new or as they are by now."""
    rows = [
        UploadedFile(upload=upload, fingerprint=it.fingerprint, name=it.name, size_bytes=it.size_bytes) for it in files
    ]
    with transaction.atomic():
        UploadedFile.objects.bulk_create(rows, ignore_conflicts=True)
        Upload.objects.filter(pk=upload.pk).update(last_at=timezone.now())
    known = _by_fingerprint(upload, [row.fingerprint for row in rows])
    return [known[row.fingerprint] for row in rows]


def go_on(upload: Upload) -> None:
    """What was ended is not; what is announced on the way of an upload that is ended does not do so."""
    Upload.objects.filter(pk=upload.pk).update(ended_at=None)


def sent(upload: Upload, files: Sequence[IncomingFile], announced: Sequence[int]) -> list[Sent]:
    """Files with the rows in which they were announced, in the same order; or all of them without.

    Raises NotAnnounced.
    """
    if not announced:
        return [Sent(file, uuid.uuid4().hex) for file in files]
    rows = upload.files.in_bulk(announced)
    if len(files) != len(announced) or rows.keys() != set(announced):
        raise NotAnnounced
    return [
        Sent(replace(file, name=rows[pk].name), rows[pk].fingerprint, pk)
        for file, pk in zip(files, announced, strict=True)
    ]


def settle(upload: Upload, files: Sequence[Sent], results: Sequence[StoredResult]) -> None:
    """Writes down what became of files. What was taken once stays so; what was refused may be taken later."""
    with transaction.atomic():
        # Under the row's lock: a page sends several requests of one upload at once.
        row = Upload.objects.select_for_update().get(pk=upload.pk)
        known = _by_fingerprint(upload, [one.fingerprint for one in files])
        counts = Counter[str]()
        changed = [
            _settled(known.get(one.fingerprint) or _row_of(upload, one), result, counts)
            for one, result in zip(files, results, strict=True)
            if not _is_settled(known.get(one.fingerprint), result)
        ]
        UploadedFile.objects.bulk_update([file for file in changed if file.pk], ["outcome", "sentence"])
        UploadedFile.objects.bulk_create([file for file in changed if file.pk is None])
        _add(row, counts, results)


def mark_unpacked(upload: Upload, packed: Sent) -> None:
    """All that was in the zip archive is settled."""
    waiting = upload.files.filter(fingerprint=packed.fingerprint, outcome__in=UploadedFile.UNSETTLED)
    waiting.update(outcome=Outcome.UNPACKED)


def still_waiting(upload: Upload, files: Sequence[Sent]) -> tuple[int, ...]:
    """Primary keys of announced files that have come and could not be looked at."""
    announced = [one.pk for one in files if one.pk]
    waiting = upload.files.filter(pk__in=announced, outcome=Outcome.WAITING)
    return tuple(waiting.values_list("pk", flat=True))


def end(upload: Upload) -> None:
    """What has not come is not to come; what is stored stays. Twice is once."""
    with transaction.atomic():
        if Upload.objects.filter(pk=upload.pk, ended_at=None).update(ended_at=timezone.now()):
            record("images.upload_ended", actor=upload.by_id, project=upload.archive.project_id, subject=upload)


def offer(archive: Archive, *, by: User) -> Offer:
    """The person's last upload of which files have not come, unless that was ended or is long ago."""
    missing = UploadedFile.objects.filter(upload=OuterRef("pk"), outcome=Outcome.WAITING)
    recent = Upload.objects.filter(archive=archive, by=by, ended_at=None, last_at__gt=timezone.now() - OFFERED)
    upload = recent.filter(Exists(missing)).order_by("-last_at").first()
    if upload is None:
        return Offer(uuid.uuid4())
    missing_count = upload.files.filter(outcome=Outcome.WAITING).count()
    return Offer(upload.key, upload, upload.files.count(), missing_count)


def is_too_early(result: StoredResult) -> bool:
    """Whether the file may well be taken if it comes again."""
    return result.failure_reason is FailureReason.OUT_OF_RESOURCES


def _is_settled(file: UploadedFile | None, result: StoredResult) -> bool:
    return file is not None and (file.outcome in TAKEN or is_too_early(result))


def _settled(file: UploadedFile, result: StoredResult, counts: Counter[str]) -> UploadedFile:
    if file.pk:
        counts[file.outcome] -= 1
    file.outcome, file.sentence = Outcome(result.outcome.value), result.sentence
    counts[file.outcome] += 1
    return file


def _row_of(upload: Upload, one: Sent) -> UploadedFile:
    size_bytes = one.file.path.stat().st_size
    return UploadedFile(upload=upload, fingerprint=one.fingerprint, name=one.file.name, size_bytes=size_bytes)


def _add(row: Upload, counts: Counter[str], results: Sequence[StoredResult]) -> None:
    studies = {result.identity.study_instance_uid for result in results if result.identity and not result.is_refused}
    row.stored_count += counts[Outcome.STORED]
    row.present_count += counts[Outcome.PRESENT]
    row.refused_count += counts[Outcome.REFUSED]
    row.study_instance_uids = sorted({*row.study_instance_uids, *studies})
    row.last_at = timezone.now()
    row.save()


def _by_fingerprint(upload: Upload, fingerprints: Sequence[str]) -> dict[str, UploadedFile]:
    return {file.fingerprint: file for file in upload.files.filter(fingerprint__in=fingerprints)}
