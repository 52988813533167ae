"""What the pages and the API show of runs and algorithms."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet

from apps.archives.models import Series
from apps.jobs.models import Algorithm, Run, RunOutput


def algorithms() -> QuerySet[Algorithm]:
    return Algorithm.objects.filter(is_current=True).order_by("title", "pk")


def suitable_algorithms(series: Series) -> list[Algorithm]:
    return [algorithm for algorithm in algorithms() if series.modality in algorithm.modalities]


def for_list(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Newest first, with all that a row of a list shows."""
    return runs.select_related("algorithm", "submitter").defer("gate_report").order_by("-pk")


def of_series(runs: QuerySet[Run], series_instance_uid: str) -> QuerySet[Run]:
    """Runs that read the series, and the one that made it."""
    made_it = RunOutput.objects.filter(series_instance_uid=series_instance_uid).values("run")
    return runs.filter(Q(series_instance_uid=series_instance_uid) | Q(pk__in=made_it))


def runs_ahead(runs: Sequence[Run]) -> dict[int, int]:
    """For each run of these that waits for this machine, by primary key, how many others are done before it."""
    queued = [run.pk for run in runs if run.status == Run.Status.QUEUED and run.cluster_id is None]
    if not queued:
        return {}
    unfinished = list(
        Run.objects.filter(status__in=Run.UNFINISHED, cluster=None).order_by("pk").values_list("pk", flat=True)
    )
    return {pk: bisect_left(unfinished, pk) for pk in queued}


def series_descriptions(archive_pk: int, series_instance_uids: Iterable[str]) -> dict[str, str]:
    """By SeriesInstanceUID, as the index has them now."""
    found = Series.objects.filter(archive_id=archive_pk, series_instance_uid__in=list(series_instance_uids))
    return dict(found.values_list("series_instance_uid", "series_description"))
