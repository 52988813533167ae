from celery import shared_task

from apps.core.leases import under_lease
from apps.datasets.dicom import connections
from apps.datasets.models import ConnectionTest, UploadedFile
from apps.datasets.uploads import forgetting, parts, services


@shared_task(name="datasets.sweep")
@under_lease("datasets.sweep")
def sweep() -> None:
    services.sweep()
    parts.sweep()
    connections.sweep()


@shared_task(name="datasets.forget_files")
@under_lease("datasets.forget_files")
def forget_files() -> None:
    forgetting.forget_old()


@shared_task(name="datasets.test_connection")
def test_connection(pk: int) -> None:
    asked = ConnectionTest.objects.filter(pk=pk).first()
    if asked is not None:
        connections.test_connection(asked)


@shared_task(name=parts.TASK)
def take(pk: int) -> None:
    arrived = UploadedFile.objects.select_related("upload__archive", "upload__by").filter(pk=pk).first()
    if arrived is not None:
        parts.take(arrived)
