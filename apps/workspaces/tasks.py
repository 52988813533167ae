"""One task a cluster, under a lease of its own: a cluster that hangs holds nothing up but itself."""

from collections.abc import Callable

from celery import shared_task

from apps.clusters.lanes import lane_of
from apps.clusters.models import Cluster
from apps.core.doorbell import ring
from apps.core.leases import lease
from apps.workspaces import sweeping


@shared_task(name="workspaces.sweep")
def sweep() -> None:
    for pk in sweeping.clusters_in_use():
        ring("workspaces.reconcile", pk)


@shared_task(name="workspaces.reconcile")
def reconcile(cluster_pk: int) -> None:
    _alone("workspaces.reconcile", cluster_pk, sweeping.reconcile)


@shared_task(name="workspaces.watch")
def watch() -> None:
    for pk in sweeping.clusters_to_watch():
        ring("workspaces.observe", pk)


@shared_task(name="workspaces.observe")
def observe(cluster_pk: int) -> None:
    _alone("workspaces.observe", cluster_pk, sweeping.observe_unsettled)


def _alone(task: str, cluster_pk: int, work: Callable[..., None]) -> None:
    with lane_of(cluster_pk, or_ring=(task, cluster_pk)) as is_free, lease(f"{task}.{cluster_pk}") as held:
        if is_free and held:
            work(Cluster.objects.get(pk=cluster_pk), still_ours=held.check)
