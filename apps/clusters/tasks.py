from celery import shared_task

from apps.clusters import collecting
from apps.clusters.lanes import lane_of
from apps.clusters.models import Cluster
from apps.core.leases import under_lease


@shared_task(name="clusters.collect")
def collect(cluster_pk: int) -> None:
    with lane_of(cluster_pk, or_ring=("clusters.collect", cluster_pk)) as is_free:
        if is_free:
            collecting.collect(cluster_pk)


@shared_task(name="clusters.check")
def check(cluster_pk: int) -> None:
    with lane_of(cluster_pk, or_ring=("clusters.check", cluster_pk)) as is_free:
        if is_free:
            collecting.check(Cluster.objects.get(pk=cluster_pk))


@shared_task(name="clusters.sweep")
@under_lease("clusters.sweep")
def sweep() -> None:
    collecting.sweep()
