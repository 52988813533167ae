from celery import shared_task

from apps.core.leases import under_lease
from apps.projects import clock, inviters


@shared_task(name="projects.sweep")
@under_lease("projects.sweep")
def sweep() -> None:
    clock.sweep()
    inviters.sweep()
