"""Looking at what is under way: on this machine run by run, in a cluster with one look at all of its runs."""

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.clusters.models import Cluster
from apps.clusters.services import connect
from apps.core.doorbell import ring
from apps.integrations.executors.job_status import JobObservation
from apps.integrations.executors.kubernetes import observations
from apps.integrations.executors.port import State
from apps.integrations.kubernetes.port import ApiRefused, ClusterUnreachable
from apps.jobs import lifecycle
from apps.jobs.execution import note_progress
from apps.jobs.in_cluster import UNREACHABLE, InCluster, is_queue_over
from apps.jobs.models import Run
from apps.jobs.place import NotYet

log = structlog.get_logger(__name__)

Status = Run.Status
ABSENT = JobObservation(State.ABSENT)


def observe_active() -> None:
    """Looks at every run under way here and rings for those that have something to be done; rings for each cluster
    that has any, so that one which does not answer holds nothing else up.
    """
    unfinished = list(_unfinished())
    for cluster_pk in sorted({run.cluster_id for run in unfinished if run.cluster_id is not None}):
        ring("jobs.observe_cluster", cluster_pk)
    here = [run for run in unfinished if run.cluster_id is None]
    places = settings.RUNS_AT_ONCE - sum(run.status != Status.QUEUED for run in here)
    for run in here:
        if run.status == Status.QUEUED:
            places -= 1
            if places < 0:
                continue
        if _is_free(run) and (run.status != Status.RUNNING or _is_due(run)):
            ring("jobs.advance", run.pk)


def observe_cluster(cluster: Cluster) -> None:
    """Looks at all of a cluster's runs and rings for those that have something to be done."""
    runs = [run for run in _unfinished().filter(cluster=cluster) if _is_free(run)]
    try:
        seen = observations(connect(cluster))
    except (ClusterUnreachable, ApiRefused) as trouble:
        log.warning("runs of a cluster could not be observed", cluster=cluster.pk, trouble=type(trouble).__name__)
        Run.objects.filter(pk__in=[run.pk for run in runs]).update(waiting=UNREACHABLE)
        return
    for run in runs:
        one = seen.get((run.project.namespace, run.name), ABSENT)
        if _has_news(run, one) or (run.status == Status.RUNNING and not _followed(run, one)):
            ring("jobs.advance", run.pk)


def _has_news(run: Run, seen: JobObservation) -> bool:
    """Whether the state of the run is not what its Job shows, or the reason of waiting is another."""
    if run.waiting != seen.waiting or seen.is_overdue(timezone.now()):
        return True
    match run.status:
        case Status.STAGING:
            return seen.state is not State.STARTING or seen.is_staged or (not seen.node and is_queue_over(run))
        case Status.STARTING:
            return seen.state is not State.STARTING
        case Status.RUNNING:
            return seen.state is not State.RUNNING
        case _:
            return True


def _followed(run: Run, seen: JobObservation) -> bool:
    """Whether its log could be followed and its progress noted."""
    if run.cluster is None:
        return False
    try:
        InCluster(run.cluster, run.project.namespace).follow(run, seen)
    except (NotYet, ApiRefused):
        return False
    note_progress(run)
    return True


def _unfinished() -> QuerySet[Run]:
    found = Run.objects.filter(status__in=Run.UNFINISHED).select_related("project", "cluster")
    return found.defer("gate_report").order_by("pk")


def _is_free(run: Run) -> bool:
    return run.claimed_until is None or run.claimed_until <= timezone.now()


def _is_due(run: Run) -> bool:
    try:
        return lifecycle.observe(run)
    except (OSError, ValueError):
        log.exception("run could not be observed", run=run.pk)
        return True
