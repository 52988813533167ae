"""Taking objects out of the index whose archive no longer has them, and a whole archive away."""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import metadata_files
from apps.archives.locking import index_locked
from apps.archives.models import (
    TEXT_LENGTH,
    Archive,
    Deposit,
    Instance,
    Patient,
    Series,
    SkippedObject,
    Study,
)
from apps.archives.selectors import uids_of
from apps.audit.services import record

DESTROYED_AT_ONCE = 2000


def remove(archive: Archive, pks: Collection[int], *, by: User | None = None, event: str = "images.removed") -> None:
    """Removes instances by primary key, and what holds none any more; counts again what they leave. Audited by study.

    Twice is once.
    """
    if not pks:
        return
    with index_locked(archive.pk):
        gone = Instance.objects.filter(archive=archive, pk__in=pks)
        # Locked, so that nobody notes a metadata file for one that goes.
        held = Series.objects.select_for_update(of=("self",)).filter(pk__in=gone.values("series"))
        series = list(held.select_related("study"))
        studies = list({one.study_id: one.study for one in series}.values())
        counts = dict(gone.values_list("series__study").annotate(number=Count("pk")).order_by())
        gone.delete()
        actor = by.pk if by else None
        for study in studies:
            detail = {"instances": counts[study.pk], **uids_of(study)}
            record(event, actor=actor, project=archive.project_id, subject=study, **detail)
        count_series(series)
        count_studies(studies)
        Patient.objects.filter(archive=archive, studies=None).delete()


def empty(archive: Archive) -> None:
    """Removes the index of an archive, piece by piece, so that no transaction holds all of it. Twice is once."""
    for model in (Instance, Series, Study, Patient, SkippedObject, Deposit):
        rows = model.objects.filter(archive=archive)
        while some := list(rows.values_list("pk", flat=True)[:DESTROYED_AT_ONCE]):
            rows.filter(pk__in=some).delete()


def destroy(archive: Archive) -> None:
    """Removes an archive with its index and, where it is the built-in one, with its images. Twice is once.

    The row goes last.
    """
    empty(archive)
    folder = Path(settings.ARCHIVES_DIR, str(archive.pk))
    if folder.exists():
        shutil.rmtree(folder)
    with transaction.atomic():
        record("archive.destroyed", actor=None, project=archive.project_id, subject=archive)
        archive.delete()


def count_series(series: Iterable[Series]) -> None:
    """Counts the instances of series, loaded with their studies, again; those that hold none are removed."""
    for one in series:
        left = one.instances.aggregate(number=Count("pk"), size=Sum("size_bytes"))
        if not left["number"]:
            metadata_files.remove(one)
            one.delete()
            continue
        one.instance_count, one.size_bytes = left["number"], left["size"]
        one.metadata_version += 1
        one.save(update_fields=["instance_count", "size_bytes", "metadata_version"])
        metadata_files.ring_when_due(one)


def count_studies(studies: Iterable[Study]) -> None:
    """Sums up the series of studies again; those that hold none are removed."""
    for study in studies:
        left = list(study.series.values_list("instance_count", "size_bytes", "modality"))
        if not left:
            study.delete()
            continue
        study.series_count = len(left)
        study.instance_count = sum(count for count, _, _ in left)
        study.size_bytes = sum(size for _, size, _ in left)
        study.modalities = "\\".join(sorted({modality for _, _, modality in left} - {""}))[:TEXT_LENGTH]
        study.updated_at = timezone.now()
        study.save(update_fields=["series_count", "instance_count", "size_bytes", "modalities", "updated_at"])
