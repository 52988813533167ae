"""The metadata file of a series: written some time after it changed, and read instead of the rows while it is fresh."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from apps.archives.models import Series
from apps.archives.static_archive import StaticArchive
from apps.core.doorbell import ring

# A series that grows image by image is not written anew with each of them.
REST_SECONDS = 10


def ring_when_due(series: Series) -> None:
    """After a change: has the file written, unless that was done a moment ago; then a sweep will see to it."""
    if series.metadata_written_at is None or series.metadata_written_at < _a_moment_ago():
        ring("archives.rebuild_metadata", series.pk)


def due() -> models.QuerySet[Series]:
    """Series, with their studies, whose file is to be written now: changed, and not written a moment ago."""
    rested = models.Q(metadata_written_at=None) | models.Q(metadata_written_at__lt=_a_moment_ago())
    changed = Series.objects.exclude(metadata_file_version=models.F("metadata_version"))
    return changed.filter(rested).select_related("study")


def write(series: Series) -> None:
    """Writes the file of a series at the version that was read. Twice, late or at once is harmless.

    Each version has a file of its own, so a slow writer never spoils what a later one wrote.
    """
    version, old_version = series.metadata_version, series.metadata_file_version
    store = StaticArchive(series.archive_id)
    store.write_metadata(series, version)
    same = Series.objects.filter(pk=series.pk)
    same.filter(metadata_file_version__lt=version).update(
        metadata_file_version=version, metadata_written_at=timezone.now()
    )
    for superseded in {old_version, version} - set(same.values_list("metadata_file_version", flat=True)):
        store.remove_metadata(series, superseded)


def _a_moment_ago() -> datetime:
    return timezone.now() - timedelta(seconds=REST_SECONDS)
