"""What sweeps do with the projects of one cluster: each by itself, and none once the cluster does not answer."""

import time
from collections.abc import Callable

import structlog
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.clusters.models import Cluster
from apps.clusters.services import connect
from apps.core.leases import LeaseLost
from apps.integrations.kubernetes.fenced import fenced
from apps.integrations.kubernetes.port import ApiRefused, ClusterUnreachable, KubernetesApi
from apps.projects.models import Project
from apps.workspaces import health, observing, reconciling
from apps.workspaces.applying import NamespaceEnding, NamespaceTaken
from apps.workspaces.models import NamespaceSeen, State
from apps.workspaces.services import ANSWER_SECONDS, NotYet, placed

log = structlog.get_logger(__name__)
Work = Callable[[Project, KubernetesApi], None]
Check = Callable[[], None]
TURN_SECONDS = 40.0
"""So long one cluster's projects hold a thread of the worker, and little longer than one project takes."""
ANSWERING = (Cluster.Status.REACHABLE, Cluster.Status.NEVER_SEEN)
UNSETTLED = (
    Q(workspaces__removed_at=None, workspaces__state=State.PENDING)
    | Q(apps__state=State.PENDING)
    | Q(namespace_seen__seen_at=None)
)


def clusters_in_use() -> list[int]:
    """Those that answered when the collector last asked."""
    found = Cluster.objects.filter(placements__isnull=False, status__in=ANSWERING)
    return list(found.distinct().order_by("pk").values_list("pk", flat=True))


def clusters_to_watch() -> list[int]:
    """Those with something that is just starting."""
    found = _unsettled().filter(placement__cluster__status__in=ANSWERING).order_by("placement__cluster")
    return list(found.values_list("placement__cluster", flat=True).distinct())


def reconcile(cluster: Cluster, *, still_ours: Check = lambda: None) -> None:
    """Whoever was not tried for longest comes first; who finds no time any more comes first the next time.

    `still_ours` is asked before each project and each write to the cluster, and raises LeaseLost.
    """
    oldest_first = placed(cluster).order_by(F("namespace_seen__tried_at").asc(nulls_first=True), "pk")
    _each(cluster, oldest_first, _reconcile_and_observe, still_ours)
    health.judge(placed(cluster))


def observe_unsettled(cluster: Cluster, *, still_ours: Check = lambda: None) -> None:
    """In the order and with the promise of `reconcile`."""
    oldest_first = placed(cluster).order_by(F("namespace_seen__seen_at").asc(nulls_first=True), "pk")
    _each(cluster, oldest_first.filter(pk__in=_unsettled().values("pk")), observing.observe, still_ours)


def _unsettled() -> QuerySet[Project]:
    return Project.objects.filter(UNSETTLED, status__in=Project.AT_WORK, placement__isnull=False)


def _reconcile_and_observe(project: Project, api: KubernetesApi) -> None:
    NamespaceSeen.objects.update_or_create(project=project, defaults={"tried_at": timezone.now()})
    # It may have been put to sleep since the turn of the others began.
    project.refresh_from_db(fields=["status"])
    if project.status not in Project.SET_UP:
        return
    reconciling.reconcile(project, api)
    observing.observe(project, api)


def _each(cluster: Cluster, projects: QuerySet[Project], work: Work, still_ours: Check) -> None:
    api = fenced(connect(cluster, answer_seconds=ANSWER_SECONDS), still_ours)
    deadline = time.monotonic() + TURN_SECONDS
    for project in projects:
        try:
            still_ours()
            work(project, api)
        except LeaseLost:
            log.warning("another looks after the cluster now", cluster=cluster.pk)
            return
        except ClusterUnreachable:
            log.warning("cluster unreachable", cluster=cluster.pk)
            return
        except (NamespaceTaken, NamespaceEnding, NotYet) as error:
            _note_trouble(project, str(error))
        except ApiRefused as error:
            _note_trouble(project, f"The cluster refused to be asked ({error.reason or error.status}).")
        except Exception:
            # One project's trouble is not that of the others on its cluster.
            log.exception("project could not be reconciled", project=project.pk)
        if time.monotonic() > deadline:
            return


def _note_trouble(project: Project, sentence: str) -> None:
    log.warning("namespace in trouble", project=project.pk, sentence=sentence)
    NamespaceSeen.objects.filter(project=project).update(trouble=sentence)
