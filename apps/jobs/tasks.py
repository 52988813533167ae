from celery import shared_task
from django.conf import settings

from apps.core.leases import lease
from apps.jobs import services
from apps.jobs.models import Run


@shared_task(name="jobs.advance")
def advance(run_pk: int) -> None:
    services.advance(Run.objects.get(pk=run_pk))


@shared_task(name="jobs.observe_active")
def observe_active() -> None:
    services.observe_active()


@shared_task(name="jobs.sweep")
def sweep() -> None:
    with lease("jobs.sweep", seconds=settings.CLAIM_SECONDS) as had:
        if had:
            services.sweep()
