from celery import shared_task

from apps.core.leases import under_lease
from apps.datasets import connections, services
from apps.datasets.models import ConnectionTest


@shared_task(name="datasets.sweep")
@under_lease("datasets.sweep")
def sweep() -> None:
    services.sweep()
    connections.sweep()


@shared_task(name="datasets.test_connection")
def test_connection(pk: int) -> None:
    asked = ConnectionTest.objects.filter(pk=pk).first()
    if asked is not None:
        connections.test_connection(asked)
