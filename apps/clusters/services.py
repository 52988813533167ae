"""Registering clusters, connecting to them, and choosing one for a project."""

from django.db import models, transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.clusters.models import Cluster, Placement
from apps.core.doorbell import ring
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import Credentials, KubernetesApi
from apps.projects.models import Project


class NoCluster(Exception):
    """No cluster takes new projects: none is registered, or none answers."""

    def __init__(self) -> None:
        super().__init__("No cluster can take the project now: none that is registered answers.")


def connect(cluster: Cluster) -> KubernetesApi:
    """The cluster's API. Asks nothing yet."""
    return KubernetesClient(
        Credentials(
            server=cluster.server,
            ca_pem=cluster.ca_pem,
            token=cluster.token,
            certificate_pem=cluster.certificate_pem,
            key_pem=cluster.key_pem,
        )
    )


def register(cluster: Cluster, *, by: User | None) -> Cluster:
    """Keeps a cluster that passed `full_clean`, and has it looked at. Raises IntegrityError when its name is taken."""
    with transaction.atomic():
        cluster.status = Cluster.Status.NEVER_SEEN
        cluster.save(force_insert=True)
        record("cluster.registered", actor=by.pk if by else None, subject=cluster, name=cluster.name)
        ring("clusters.collect", cluster.pk)
    return cluster


def place(project: Project, *, cluster: Cluster | None = None) -> Placement:
    """Puts the project on the cluster, or on the one with the fewest projects that answers. Twice is once.

    Raises NoCluster.
    """
    with transaction.atomic():
        placement = Placement.objects.filter(project=project).first()
        if placement is None:
            placement = Placement.objects.create(project=project, cluster=cluster or _emptiest())
            record("project.placed", actor=None, project=project.pk, subject=project, cluster=placement.cluster.name)
    return placement


def _emptiest() -> Cluster:
    """A cluster that nobody has looked at yet may well answer."""
    usable = Cluster.objects.filter(status__in=(Cluster.Status.REACHABLE, Cluster.Status.NEVER_SEEN))
    rank = models.Case(models.When(status=Cluster.Status.REACHABLE, then=0), default=1)
    found = usable.annotate(projects=models.Count("placements")).order_by(rank, "projects", "name").first()
    if found is None:
        raise NoCluster
    return found
