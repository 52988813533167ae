"""Making anew what follows from the rows of an archive's objects: counts of series and studies, metadata files."""

from collections.abc import Iterator

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.archives import metadata_files
from apps.archives.locking import index_locked
from apps.archives.models import Archive, Series, Study
from apps.archives.removal import count_series, count_studies


def mend(archive: Archive) -> Iterator[str]:
    """One sentence for each count or file that was not as it should be, and is now. Twice is once."""
    yield from _recount(archive)
    pks = Series.objects.filter(archive=archive).order_by("pk").values_list("pk", flat=True)
    for pk in list(pks):
        for series in Series.objects.select_related("study").filter(pk=pk):
            if series.is_metadata_stale:
                metadata_files.write(series)
            elif not metadata_files.is_right(series) and metadata_files.write(series):
                yield f"Series {series.pk} ({series.series_instance_uid}): its metadata file is written anew."


def _recount(archive: Archive) -> list[str]:
    with index_locked(archive.pk):
        series = list(_miscounted_series(archive).select_related("study"))
        count_series(series)
        studies = list(_miscounted_studies(archive))
        count_studies(studies)
    return [
        *(f"Series {one.series_instance_uid}: its objects are counted again." for one in series),
        *(f"Study {one.study_instance_uid}: its series are counted again." for one in studies),
    ]


def _miscounted_series(archive: Archive) -> QuerySet[Series]:
    counted = Series.objects.filter(archive=archive).annotate(
        number=Count("instances"), size=Coalesce(Sum("instances__size_bytes"), 0)
    )
    return counted.exclude(instance_count=F("number"), size_bytes=F("size"), number__gt=0)


def _miscounted_studies(archive: Archive) -> QuerySet[Study]:
    counted = Study.objects.filter(archive=archive).annotate(
        number=Count("series"),
        instances=Coalesce(Sum("series__instance_count"), 0),
        size=Coalesce(Sum("series__size_bytes"), 0),
    )
    return counted.exclude(series_count=F("number"), instance_count=F("instances"), size_bytes=F("size"), number__gt=0)
