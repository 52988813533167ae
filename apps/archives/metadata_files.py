"""The metadata file of a series: written some time after it changed, and read instead of the rows while it is fresh.

It lies in the archive's folder on this machine, wherever the objects are.
"""

import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.archives.models import Instance, Series
from apps.archives.selectors import ORDER
from apps.archives.static.layout import series_metadata_path
from apps.archives.static.objects import write_series_metadata
from apps.core.doorbell import ring

log = structlog.get_logger(__name__)

# A series that grows image by image is not written anew with each of them.
REST_SECONDS = 10
UNREADABLE = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a damaged row, or file, raises."""


def ring_when_due(series: Series) -> None:
    """After a change: has the file written, unless that was done a moment ago; then a sweep will see to it."""
    if series.metadata_written_at is None or series.metadata_written_at < _a_moment_ago():
        ring("archives.rebuild_metadata", series.pk)


def due() -> models.QuerySet[Series]:
    """Series, with their studies, whose file is to be written now: changed, and not written a moment ago."""
    rested = models.Q(metadata_written_at=None) | models.Q(metadata_written_at__lt=_a_moment_ago())
    changed = Series.objects.exclude(metadata_file_version=models.F("metadata_version"))
    return changed.filter(rested).select_related("study")


def write(series: Series) -> bool:
    """Writes the file of a series at the version that was read. Twice, late or at once is harmless.

    Each version has a file of its own, so a slow writer never spoils what a later one wrote. False, and nothing is
    written, when a row cannot be read.
    """
    version, old_version = series.metadata_version, series.metadata_file_version
    try:
        write_series_metadata(file_of(series, version), _root(series), _rows(series))
    except UNREADABLE:
        log.error("row of an object cannot be read", series=series.pk)  # noqa: TRY400 - its bytes are of a patient
        return False
    same = Series.objects.filter(pk=series.pk)
    same.filter(metadata_file_version__lt=version).update(
        metadata_file_version=version, metadata_written_at=timezone.now()
    )
    for superseded in {old_version, version} - set(same.values_list("metadata_file_version", flat=True)):
        file_of(series, superseded).unlink(missing_ok=True)
    return True


def read(series: Series) -> Iterator[bytes]:
    """Of each instance one DICOM JSON object, in order; every BulkDataURI relative to the service's root."""
    if not series.is_metadata_stale:
        try:
            return _lines(file_of(series, series.metadata_version).open("rb"))
        except FileNotFoundError:
            log.warning("series metadata file is missing", series=series.pk)
    return _rows(series)


def is_right(series: Series) -> bool:
    """Whether the file of a series, loaded with its study, is there and has just what the rows have."""
    try:
        with file_of(series, series.metadata_version).open("rb") as file:
            return all(line == row for line, row in zip_longest(_lines(file), _rows(series)))
    except (FileNotFoundError, *UNREADABLE):
        return False


def remove(series: Series) -> None:
    """With the series itself: nobody asks for its file any more."""
    file_of(series, series.metadata_file_version).unlink(missing_ok=True)


def file_of(series: Series, version: int) -> Path:
    """Where the file of that version of a series, loaded with its study, is or would be."""
    return series_metadata_path(_root(series), series.study.study_instance_uid, series.series_instance_uid, version)


def _a_moment_ago() -> datetime:
    return timezone.now() - timedelta(seconds=REST_SECONDS)


def _root(series: Series) -> Path:
    root: Path = settings.ARCHIVES_DIR / str(series.archive_id)
    return root


def _rows(series: Series) -> Iterator[bytes]:
    rows = Instance.objects.filter(series=series).order_by(*ORDER)
    for packed in rows.values_list("metadata", flat=True).iterator(chunk_size=200):
        yield gzip.decompress(packed)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The objects of a metadata file, which has one a line."""
    with file, gzip.GzipFile(fileobj=file) as lines:
        for line in lines:
            if line.startswith(b"{"):
                yield line.rstrip(b",\n")
