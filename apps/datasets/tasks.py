from celery import shared_task
from django.conf import settings

from apps.core.leases import lease
from apps.datasets import services


@shared_task(name="datasets.sweep")
def sweep() -> None:
    with lease("datasets.sweep", seconds=settings.CLAIM_SECONDS) as had:
        if had:
            services.sweep()
