"""What sweeps do with the projects of one cluster: each by itself, and none once the cluster does not answer."""

from collections.abc import Callable

import structlog
from django.db.models import Q, QuerySet

from apps.clusters.models import Cluster
from apps.clusters.services import connect
from apps.integrations.kubernetes.port import ApiRefused, ClusterUnreachable, KubernetesApi
from apps.projects.models import Project
from apps.workspaces import observing, reconciling
from apps.workspaces.applying import NamespaceEnding, NamespaceTaken
from apps.workspaces.models import NamespaceSeen, State
from apps.workspaces.services import ANSWER_SECONDS, NotYet, placed

log = structlog.get_logger(__name__)
Work = Callable[[Project, KubernetesApi], None]
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


def reconcile(cluster: Cluster) -> None:
    _each(cluster, placed(cluster), _reconcile_and_observe)


def observe_unsettled(cluster: Cluster) -> None:
    _each(cluster, placed(cluster).filter(pk__in=_unsettled().values("pk")), observing.observe)


def _unsettled() -> QuerySet[Project]:
    return Project.objects.filter(UNSETTLED, status__in=Project.AT_WORK, placement__isnull=False)


def _reconcile_and_observe(project: Project, api: KubernetesApi) -> None:
    reconciling.reconcile(project, api)
    observing.observe(project, api)


def _each(cluster: Cluster, projects: QuerySet[Project], work: Work) -> None:
    api = connect(cluster, answer_seconds=ANSWER_SECONDS)
    for project in projects:
        try:
            work(project, api)
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


def _note_trouble(project: Project, sentence: str) -> None:
    log.warning("namespace in trouble", project=project.pk, sentence=sentence)
    NamespaceSeen.objects.filter(project=project).update(trouble=sentence)
