"""Runs of projects that take no work any more: they are cancelled, and forgotten when the project is deleted."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.core.doorbell import ring
from apps.jobs.execution import forget_log
from apps.jobs.models import Run
from apps.jobs.services import NotCancellable, cancel
from apps.projects.models import Project, ProjectChange

FORGOTTEN_AT_ONCE = 200


def sweep() -> None:
    """For changes whose bell was lost, and whose runs took their time."""
    for change in _open_changes():
        follow_project(change)


def change_by_pk(pk: int) -> ProjectChange | None:
    """None when there is nothing to do for it any more."""
    return _open_changes().filter(pk=pk).first()


def follow_project(change: ProjectChange) -> None:
    """Cancels what goes on in the project; once nothing does, says so in the change and rings. Twice is once."""
    project = change.project
    if project.takes_work:
        return
    for run in Run.objects.filter(project=project, status__in=Run.UNFINISHED).order_by("pk"):
        try:
            cancel(run, by=change.by, why=f"The project is {project.badge.word.lower()}.")
        except NotCancellable:  # its outputs are being stored, which ends by itself
            continue
    is_deletion = project.status == Project.Status.DELETING
    if _still_at_work(project, is_deletion=is_deletion).exists():
        return
    if is_deletion:
        _forget_runs(project)
    if ProjectChange.objects.filter(pk=change.pk, runs_ended_at=None).update(runs_ended_at=timezone.now()):
        ring("provisioning.follow_project", change.pk)


def _open_changes() -> QuerySet[ProjectChange]:
    found = ProjectChange.objects.filter(runs_ended_at=None, done_at=None).exclude(target="")
    return found.select_related("project", "by").order_by("pk")


def _still_at_work(project: Project, *, is_deletion: bool) -> QuerySet[Run]:
    """What runs have left on a cluster goes with its namespace when the project is deleted."""
    is_left = Q(cleaned_at=None, cluster=None) if is_deletion else Q(cleaned_at=None)
    return Run.objects.filter(Q(status__in=Run.UNFINISHED) | is_left, project=project)


def _forget_runs(project: Project) -> None:
    rows = Run.objects.filter(project=project).order_by("pk")
    while some := list(rows[:FORGOTTEN_AT_ONCE]):
        for run in some:
            for attempt in range(1, run.attempt + 1):
                shutil.rmtree(Path(settings.RUNS_DIR, run.attempt_name(attempt)), ignore_errors=True)
            forget_log(run)
        Run.objects.filter(pk__in=[run.pk for run in some]).delete()
