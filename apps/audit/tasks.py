from celery import shared_task

from apps.audit import services
from apps.core.leases import lease


@shared_task(name="audit.seal")
def seal() -> None:
    with lease("audit.seal", seconds=60) as had:
        if had:
            services.seal()
