from celery import shared_task

from apps.core.leases import under_lease
from apps.datasets import services


@shared_task(name="datasets.sweep")
@under_lease("datasets.sweep")
def sweep() -> None:
    services.sweep()
