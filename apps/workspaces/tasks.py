"""One task a cluster, under a lease of its own: a cluster that hangs holds nothing up but itself."""

from celery import shared_task

from apps.clusters.lanes import alone
from apps.clusters.models import Cluster
from apps.core.doorbell import ring
from apps.workspaces import sweeping


@shared_task(name="workspaces.sweep")
def sweep() -> None:
    for pk in sweeping.clusters_in_use():
        ring("workspaces.reconcile", pk)


@shared_task(name="workspaces.reconcile")
def reconcile(cluster_pk: int) -> None:
    with alone("workspaces.reconcile", cluster_pk) as held:
        if held:
            sweeping.reconcile(Cluster.objects.get(pk=cluster_pk), still_ours=held.check)


@shared_task(name="workspaces.watch")
def watch() -> None:
    for pk in sweeping.clusters_to_watch():
        ring("workspaces.observe", pk)


@shared_task(name="workspaces.observe")
def observe(cluster_pk: int) -> None:
    with alone("workspaces.observe", cluster_pk) as held:
        if held:
            sweeping.observe_unsettled(Cluster.objects.get(pk=cluster_pk), still_ours=held.check)
