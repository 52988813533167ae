from celery import shared_task

from apps.clusters.lanes import alone, lane_of
from apps.clusters.models import Cluster
from apps.core.leases import under_lease
from apps.jobs import endings, services
from apps.jobs.models import Run


@shared_task(name="jobs.advance")
def advance(run_pk: int) -> None:
    run = Run.objects.get(pk=run_pk)
    if run.cluster_id is None:
        services.advance(run)
        return
    with lane_of(run.cluster_id, or_ring=("jobs.advance", run_pk)) as is_free:
        if is_free:
            services.advance(run)


@shared_task(name="jobs.observe_active")
def observe_active() -> None:
    services.observe_active()


@shared_task(name="jobs.observe_cluster")
def observe_cluster(cluster_pk: int) -> None:
    with alone("jobs.observe_cluster", cluster_pk) as held:
        if held:
            services.observe_cluster(Cluster.objects.get(pk=cluster_pk))


@shared_task(name="jobs.follow_project")
def follow_project(change_pk: int) -> None:
    change = endings.change_by_pk(change_pk)
    if change is not None:
        endings.follow_project(change)


@shared_task(name="jobs.sweep")
@under_lease("jobs.sweep")
def sweep() -> None:
    services.sweep()
    endings.sweep()
