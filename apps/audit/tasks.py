from celery import shared_task

from apps.audit import services
from apps.core.leases import under_lease


@shared_task(name="audit.seal")
@under_lease("audit.seal")
def seal() -> None:
    services.seal()
