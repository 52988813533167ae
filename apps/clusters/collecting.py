"""Looking at clusters: a task for each, never more than half of the worker at once, seldom while one is down."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.clusters import permissions
from apps.clusters.models import Check, Cluster, Snapshot
from apps.clusters.reading import Taken, document, summary
from apps.clusters.services import connect
from apps.core.doorbell import ring
from apps.core.leases import lease
from apps.core.sealed import SecretUnreadable
from apps.core.state import IllegalTransition
from apps.integrations.kubernetes.ours import MANAGED_BY, selector_of
from apps.integrations.kubernetes.port import (
    CLUSTER_ROLE,
    NAMESPACE,
    NODE,
    POD,
    ApiRefused,
    ClusterUnreachable,
    Forbidden,
    KubernetesApi,
    Manifest,
    Permission,
)

Status = Cluster.Status
# One answer that is late ends a look: a cluster that hangs costs a thread these seconds, ever more seldom.
ANSWER_SECONDS = 10.0
LOOK_SECONDS = 60.0
CLAIM = timedelta(seconds=120)
LONGEST_WAIT = timedelta(minutes=15)

log = structlog.get_logger(__name__)


def sweep() -> None:
    """Rings for each cluster that is due, and for each check that waits."""
    for pk in _due().values_list("pk", flat=True):
        ring("clusters.collect", pk)
    for pk in Check.objects.filter(answered_at=None).values_list("cluster_id", flat=True):
        ring("clusters.check", pk)


def collect(pk: int) -> None:
    """Looks at the cluster if it is due, and then at the next one that is. Twice at once is once."""
    with _lane() as is_free:
        if is_free and (cluster := _claim(pk)):
            look(cluster)
    if is_free and (waiting := _due().exclude(pk=pk).first()):
        ring("clusters.collect", waiting.pk)


def look(cluster: Cluster) -> None:
    """Writes what the cluster is like now, or why that cannot be seen. What changed meanwhile by hand goes before."""
    try:
        seen = see(connect(cluster, answer_seconds=ANSWER_SECONDS), seconds=LOOK_SECONDS)
    except Forbidden as refusal:
        _note(cluster, Status.REFUSED, trouble=_refused(refusal))
    except SecretUnreadable as error:
        _note(cluster, Status.REFUSED, trouble=str(error))
    except (ClusterUnreachable, ApiRefused) as error:
        _note(cluster, Status.UNREACHABLE, trouble=_sentence(error))
    except (KeyError, TypeError, ValueError, AttributeError):
        # An answer that is JSON and yet none of Kubernetes' objects.
        log.warning("cluster answers strangely", cluster=cluster.pk, exc_info=True)
        _note(cluster, Status.UNREACHABLE, trouble="What answers at the cluster's address is not Kubernetes.")
    else:
        _note(cluster, Status.REACHABLE, seen=seen)


def see(api: KubernetesApi, *, seconds: float) -> dict[str, Any]:
    """The document of `apps.clusters.reading`. Raises ClusterUnreachable after `seconds`, and what the port raises."""
    deadline = time.monotonic() + seconds
    version = api.version()
    ours = _before(deadline, api.objects(NAMESPACE, labels=selector_of(MANAGED_BY)))
    taken = Taken(namespace["metadata"]["name"] for namespace in ours)
    for pod in _before(deadline, api.objects(POD)):
        taken.add(pod)
    return document(version, _before(deadline, api.objects(NODE)), taken)


def check(cluster: Cluster) -> None:
    """Answers the wish for a check, if there is one that waits."""
    wish = Check.objects.filter(cluster=cluster, answered_at=None).first()
    if wish is None:
        return
    missing: list[str] = []
    trouble = ""
    try:
        api = connect(cluster, answer_seconds=ANSWER_SECONDS)
        missing = [_words(one) for one in api.missing(permissions.needed_everywhere())]
        missing += [f"{_words(one)}, in projects' namespaces" for one in _missing_in_projects(cluster, api)]
    except (ClusterUnreachable, ApiRefused, SecretUnreadable) as error:
        trouble = _refused(error) if isinstance(error, Forbidden) else str(error)
    same = Check.objects.filter(pk=wish.pk, asked_at=wish.asked_at)
    same.update(answered_at=timezone.now(), missing=missing, trouble=trouble)


def _missing_in_projects(cluster: Cluster, api: KubernetesApi) -> list[Permission]:
    """Who may do all of it everywhere needs no role for it."""
    needed = permissions.needed_in_projects(cluster.service_access)
    if not api.missing(needed):
        return []
    try:
        return permissions.lacking(api.read(CLUSTER_ROLE, permissions.PROJECT_ROLE), cluster.service_access)
    except Forbidden:
        return needed


def _words(permission: Permission) -> str:
    resource = f"{permission.resource}.{permission.group}" if permission.group else permission.resource
    return f"{permission.verb} {resource}" + (f" “{permission.name}”" if permission.name else "")


@contextmanager
def _lane() -> Iterator[bool]:
    """Whether there is room for one more look: clusters that hang must not take the whole worker."""
    with ExitStack() as held:
        lanes = range(max(1, settings.ENV["WORKER_THREADS"] // 2))
        yield any(held.enter_context(lease(f"clusters.lane.{lane}")) for lane in lanes)


def _due() -> QuerySet[Cluster]:
    return (
        Cluster.objects.exclude(status=Status.DISABLED)
        .filter(look_again_at__lte=timezone.now())
        .order_by("look_again_at")
    )


def _claim(pk: int) -> Cluster | None:
    cluster = _due().filter(pk=pk).first()
    if cluster is None:
        return None
    same = Cluster.objects.filter(pk=pk, look_again_at=cluster.look_again_at)
    return cluster if same.update(look_again_at=timezone.now() + CLAIM) else None


def _before(deadline: float, found: Iterable[Manifest]) -> Iterator[Manifest]:
    for one in found:
        if time.monotonic() > deadline:
            raise ClusterUnreachable("The cluster answers too slowly to be read.")
        yield one


def _note(cluster: Cluster, status: Cluster.Status, *, trouble: str = "", seen: dict[str, Any] | None = None) -> None:
    now = timezone.now()
    failures = 0 if seen is not None else cluster.failures + 1
    facts = {"trouble": trouble, "failures": failures, "looked_at": now, "look_again_at": now + _wait(failures)}
    with transaction.atomic():
        if not _written(cluster, status, facts):
            return
        if seen is not None:
            Snapshot.objects.update_or_create(
                cluster=cluster, defaults={"taken_at": now, "content": seen, "summary": summary(seen)}
            )


def _written(cluster: Cluster, status: Cluster.Status, facts: dict[str, Any]) -> bool:
    """False when somebody changed or disabled the cluster while it was looked at."""
    if cluster.status != status:
        try:
            cluster.move_to(status, why=facts["trouble"], **facts)
        except IllegalTransition:
            return False
        return True
    same = Cluster.objects.filter(pk=cluster.pk, status=status, status_changed_at=cluster.status_changed_at)
    return bool(same.update(**facts))


def _wait(failures: int) -> timedelta:
    """A little less than the time between two sweeps, doubled with each failure in a row."""
    usual = 0.75 * timedelta(seconds=float(settings.SWEEP_SECONDS))
    return min(usual * 2.0 ** min(failures, 10), max(LONGEST_WAIT, usual))


def _refused(refusal: Exception) -> str:
    if isinstance(refusal, Forbidden) and refusal.status == 401:
        return "The cluster does not know the portal's credentials: give new ones."
    return "The portal's permissions do not suffice: check them and apply what is missing."


def _sentence(error: ClusterUnreachable | ApiRefused) -> str:
    if isinstance(error, ClusterUnreachable):
        return str(error)
    return f"The cluster refused what was asked (status {error.status})."
