from celery import shared_task

from apps.core.leases import under_lease
from apps.projects.models import Project
from apps.provisioning import services


@shared_task(name="provisioning.advance")
def advance(project_pk: int) -> None:
    services.advance(Project.objects.get(pk=project_pk))


@shared_task(name="provisioning.sweep")
@under_lease("provisioning.sweep")
def sweep() -> None:
    services.sweep()
