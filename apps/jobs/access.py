"""Runs, series and algorithms as a person in a project may reach them; a miss is 404."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from apps.archives.models import Series
from apps.archives.services import is_uid
from apps.clusters.models import secrets_by
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry


def visible_runs(entry: Entry) -> QuerySet[Run]:
    return Run.objects.filter(project=entry.project)


def get_run(entry: Entry, pk: int) -> Run:
    runs = visible_runs(entry).select_related("algorithm", "submitter", "project", "cluster")
    return get_object_or_404(runs.defer(*secrets_by("cluster")), pk=pk)


def find_series(entry: Entry, series_instance_uid: str) -> Series | None:
    """The series in the project's archives, the default one first."""
    if not is_uid(series_instance_uid):  # what comes from an address may hold what a database refuses
        return None
    series = Series.objects.filter(
        study__archive__project=entry.project,
        study__archive__removed_at=None,
        series_instance_uid=series_instance_uid,
    ).select_related("study__archive")
    return series.order_by("-study__archive__is_default", "pk").first()


def find_algorithm(name: str) -> Algorithm | None:
    """The present version of an algorithm."""
    return Algorithm.objects.filter(name=name, is_current=True).first()
