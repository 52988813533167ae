from celery import shared_task

from apps.core.leases import under_lease
from apps.registrations import services
from apps.registrations.models import Registration


@shared_task(name="registrations.settle")
def settle(project_pk: int) -> None:
    services.settle(Registration.objects.select_related("project").get(project=project_pk))


@shared_task(name="registrations.sweep")
@under_lease("registrations.sweep")
def sweep() -> None:
    services.sweep()
