"""Registering clusters, connecting to them, and choosing one for a project."""

from typing import Any

from django.db import models, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import changed, record
from apps.clusters.models import SECRETS, Check, Cluster, Placement
from apps.core.doorbell import ring
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.connection import EXCHANGE_SECONDS
from apps.integrations.kubernetes.port import Credentials, KubernetesApi, Manifest
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project

SET_BY_HAND = (
    *("name", "server", "ca_pem", "token", "certificate_pem", "key_pem", "domain", "ssh_host", "ssh_port_first"),
    *("ssh_port_last", "storage_class", "ingress_class", "image_prefix", "service_access"),
    "passed_on_from",
)


class NoCluster(Exception):
    """No cluster takes new projects: none is registered, or none answers."""

    def __init__(self) -> None:
        super().__init__("No cluster can take the project now: none that is registered answers.")


def connect(cluster: Cluster, *, answer_seconds: float = EXCHANGE_SECONDS) -> KubernetesApi:
    """The cluster's API, of which each answer is awaited that long. Asks nothing yet. Raises SecretUnreadable."""
    return KubernetesClient(credentials_of(cluster), exchange_seconds=answer_seconds)


def credentials_of(cluster: Cluster) -> Credentials:
    """Raises SecretUnreadable."""
    return Credentials(
        server=cluster.server,
        ca_pem=cluster.ca_pem,
        token=cluster.token,
        certificate_pem=cluster.certificate_pem,
        key_pem=cluster.key_pem,
    )


def route_to(cluster: Cluster, service: Manifest, port: int) -> Route:
    """How the portal reaches a service of the cluster, as its `service_access` says. Raises SecretUnreadable."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    match cluster.service_access:
        case Cluster.ServiceAccess.IN_CLUSTER:
            return Route(f"http://{name}.{namespace}.svc:{port}")
        case Cluster.ServiceAccess.PROXY:
            # https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
            path = f"/api/v1/namespaces/{namespace}/services/http:{name}:{port}/proxy"
            return Route(cluster.server.rstrip("/") + path, credentials_of(cluster))
        case Cluster.ServiceAccess.INGRESS:
            _, _, https_port = cluster.domain.partition(":")
            address = f"https://{ingress_host(cluster, name, namespace)}" + (f":{https_port}" if https_port else "")
            return Route(address, Credentials(server=address, ca_pem=""))
        case _:
            return Route(f"http://{service['spec']['clusterIP']}:{port}")


def ingress_host(cluster: Cluster, name: str, namespace: str) -> str:
    """One label below the domain, so that a certificate for all of them (*.maia.example) covers it."""
    return f"{name}-{namespace}.{cluster.domain.partition(':')[0]}"


def register(cluster: Cluster, *, by: User | None) -> Cluster:
    """Keeps a cluster that passed `full_clean`, and has it looked at. Raises IntegrityError when its name is taken."""
    with transaction.atomic():
        cluster.status = Cluster.Status.NEVER_SEEN
        cluster.save(force_insert=True)
        record("cluster.registered", actor=by.pk if by else None, subject=cluster, name=cluster.name)
        ring("clusters.collect", cluster.pk)
    return cluster


def change(cluster: Cluster, *, by: User | None) -> None:
    """Keeps changes that passed `full_clean`. What was seen before is no sign that the new address answers.

    Raises IllegalTransition when the cluster has moved since it was read.
    """
    with transaction.atomic():
        actor = by.pk if by else None
        facts = {"failures": 0, "trouble": "", "look_again_at": timezone.now()}
        if cluster.status in {Cluster.Status.NEVER_SEEN, Cluster.Status.DISABLED}:
            # As a move does it, so that a look that is under way cannot write what it saw at the old address.
            Cluster.objects.filter(pk=cluster.pk).update(status_changed_at=timezone.now(), **facts)
        else:
            cluster.move_to(Cluster.Status.NEVER_SEEN, by=actor, why="changed", **facts)
        told = _told(Cluster.objects.get(pk=cluster.pk), cluster)
        cluster.save(update_fields=SET_BY_HAND)
        Check.objects.filter(cluster=cluster).delete()
        record("cluster.changed", actor=actor, subject=cluster, name=cluster.name, settings=told)
        ring("clusters.collect", cluster.pk)


def disable(cluster: Cluster, *, by: User) -> None:
    """It is neither looked at nor given projects any more; those that are there run on. Raises IllegalTransition."""
    with transaction.atomic():
        cluster.move_to(Cluster.Status.DISABLED, by=by.pk, trouble="", failures=0)
        record("cluster.disabled", actor=by.pk, subject=cluster, name=cluster.name)


def enable(cluster: Cluster, *, by: User) -> None:
    """Raises IllegalTransition."""
    with transaction.atomic():
        cluster.move_to(Cluster.Status.NEVER_SEEN, by=by.pk, look_again_at=timezone.now())
        record("cluster.enabled", actor=by.pk, subject=cluster, name=cluster.name)
        ring("clusters.collect", cluster.pk)


def ask_check(cluster: Cluster) -> None:
    """Wishes for a check of the portal's permissions, and for a look without delay."""
    with transaction.atomic():
        wish: dict[str, Any] = {"asked_at": timezone.now(), "answered_at": None, "missing": [], "trouble": ""}
        Check.objects.update_or_create(cluster=cluster, defaults=wish)
        Cluster.objects.filter(pk=cluster.pk).update(look_again_at=timezone.now())
        ring("clusters.check", cluster.pk)
        ring("clusters.collect", cluster.pk)


def place(project: Project, *, cluster: Cluster | None = None) -> Placement:
    """Puts the project on the cluster, or on the one with the fewest projects that answers. Twice is once.

    Raises NoCluster.
    """
    with transaction.atomic():
        if placed := Placement.objects.filter(project=project).first():
            return placed
        chosen = cluster or _emptiest()
        placement, is_new = Placement.objects.get_or_create(project=project, defaults={"cluster": chosen})
        if is_new:
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


def _told(before: Cluster, after: Cluster) -> dict[str, object]:
    """What the audit tells of a change: of secrets only that they were given anew."""
    given = {name: "given anew" for name in SECRETS if name not in after.get_deferred_fields()}
    names = [name for name in SET_BY_HAND if name not in SECRETS]
    values = [(name, str(getattr(before, name)), str(getattr(after, name))) for name in names]
    return {**{name: changed(old, new) for name, old, new in values if old != new}, **given}
