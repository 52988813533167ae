"""Looking at what is under way: on this machine run by run, in a cluster with one look at all of its runs."""

import re
import time
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.clusters.models import Cluster
from apps.clusters.services import connect
from apps.core.doorbell import ring
from apps.core.leases import are_held
from apps.core.sealed import SecretUnreadable
from apps.integrations.executors.job import RUN_LABEL
from apps.integrations.executors.job_status import JobObservation, observation_of_pod
from apps.integrations.executors.kubernetes import KubernetesExecutor, observations
from apps.integrations.executors.port import State
from apps.integrations.kubernetes.port import ApiRefused, Change, ClusterUnreachable, KubernetesApi
from apps.jobs import kept_log, lifecycle
from apps.jobs.execution import note_progress
from apps.jobs.in_cluster import UNREACHABLE, is_queue_over
from apps.jobs.looks import ANSWER_SECONDS, asking, due, look_again
from apps.jobs.models import Run

log = structlog.get_logger(__name__)

Status = Run.Status
ABSENT = JobObservation(State.ABSENT)
ATTEMPT = re.compile(r"run-([0-9]{1,18})-([0-9]{1,4})")
QUIET_SECONDS = 15.0
"""So often a watched cluster is asked where nothing is expected but what the watch tells: the net beneath it."""
FOLLOW_SECONDS = 60.0
"""Nodes that hang hold a thread of the worker no longer than for all the logs."""


def observe_active() -> None:
    """Looks at every run under way here and rings for those that have something to be done; rings for each cluster
    that has any, so that one which does not answer holds nothing else up.
    """
    unfinished = list(_unfinished())
    for cluster_pk in due({run.cluster_id for run in unfinished if run.cluster_id is not None}):
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
    """Looks at all of a cluster's runs and rings for those that have something to be done; reads on in the logs of the
    others.
    """
    unfinished = list(_unfinished().filter(cluster=cluster))
    runs = [run for run in unfinished if _is_free(run)]
    try:
        api = connect(cluster, answer_seconds=ANSWER_SECONDS)
        with asking(cluster.pk):
            seen = observations(api)
    except (ClusterUnreachable, ApiRefused, SecretUnreadable) as trouble:
        log.warning("runs of a cluster could not be observed", cluster=cluster.pk, trouble=type(trouble).__name__)
        Run.objects.filter(pk__in=[run.pk for run in runs]).update(waiting=UNREACHABLE)
        return
    news, running = [], []
    for run in runs:
        one = seen.get((run.project.namespace, run.name), ABSENT)
        if _has_news(run, one):
            news.append(run)
            ring("jobs.advance", run.pk)
        elif run.status == Status.RUNNING:
            running.append((run, one))
    is_quiet = not news and not running and len(runs) == len(unfinished)
    look_again(cluster.pk, seconds=_pause(cluster, is_quiet=is_quiet))
    _follow(api, running)


def _pause(cluster: Cluster, *, is_quiet: bool) -> float:
    """A little less than the time between two bells, and longer where a watch tells all that is waited for."""
    is_told = is_quiet and bool(are_held([watch_of(cluster.pk)]))
    return QUIET_SECONDS if is_told else 0.75 * settings.OBSERVE_SECONDS


def watch_of(cluster_pk: int) -> str:
    """The lease of whoever watches the cluster."""
    return f"jobs.watch.{cluster_pk}"


def clusters_with_runs() -> list[int]:
    """Those where something is under way."""
    found = Run.objects.filter(status__in=Run.UNFINISHED, cluster__isnull=False)
    return list(found.order_by("cluster").values_list("cluster_id", flat=True).distinct())


def note(cluster_pk: int, change: Change) -> None:
    """Rings for the run whose pod this is, if it has something to be done now."""
    if change.what == "BOOKMARK":
        return
    metadata = change.object["metadata"]
    run = _run_of(cluster_pk, metadata["namespace"], metadata.get("labels", {}).get(RUN_LABEL, ""))
    if run is None or not _has_news(run, _seen(change)):
        return
    if _is_free(run):
        ring("jobs.advance", run.pk)
    else:
        # Who works on it may have looked before this change.
        look_again(cluster_pk, seconds=0)


def _seen(change: Change) -> JobObservation:
    return ABSENT if change.what == "DELETED" else observation_of_pod(change.object)


def _run_of(cluster_pk: int, namespace: str, name: str) -> Run | None:
    """The run whose present attempt is called so; a pod of that name in another namespace is none of it."""
    if not (found := ATTEMPT.fullmatch(name)):
        return None
    here = _unfinished().filter(cluster=cluster_pk, project__namespace=namespace)
    return here.filter(pk=found[1], attempt=found[2]).first()


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


def _follow(api: KubernetesApi, running: Sequence[tuple[Run, JobObservation]]) -> None:
    """What cannot be read now, its node being gone perhaps, is read later or not: how the run ends shows without it."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    for run, seen in running:
        if time.monotonic() > deadline:
            return
        try:
            kept_log.replace(run.name, KubernetesExecutor(api, run.project.namespace).whole_log(seen))
        except (ClusterUnreachable, ApiRefused) as trouble:
            log.warning("log of a run could not be read", run=run.pk, trouble=type(trouble).__name__)
            continue
        note_progress(run)


def _unfinished() -> QuerySet[Run]:
    found = Run.objects.filter(status__in=Run.UNFINISHED).select_related("project")
    return found.defer("gate_report").order_by("pk")


def _is_free(run: Run) -> bool:
    return run.claimed_until is None or run.claimed_until <= timezone.now()


def _is_due(run: Run) -> bool:
    try:
        return lifecycle.observe(run)
    except (OSError, ValueError):
        log.exception("run could not be observed", run=run.pk)
        return True
