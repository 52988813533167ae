from celery import shared_task

from apps.clusters.models import Cluster
from apps.core.leases import lease, under_lease
from apps.jobs import services
from apps.jobs.models import Run


@shared_task(name="jobs.advance")
def advance(run_pk: int) -> None:
    services.advance(Run.objects.get(pk=run_pk))


@shared_task(name="jobs.observe_active")
def observe_active() -> None:
    services.observe_active()


@shared_task(name="jobs.observe_cluster")
def observe_cluster(cluster_pk: int) -> None:
    with lease(f"jobs.observe_cluster.{cluster_pk}") as had:
        if had:
            services.observe_cluster(Cluster.objects.get(pk=cluster_pk))


@shared_task(name="jobs.sweep")
@under_lease("jobs.sweep")
def sweep() -> None:
    services.sweep()
