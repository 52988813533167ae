from celery import shared_task

from apps.archives import metadata_files, services
from apps.core.leases import under_lease


@shared_task(name="archives.rebuild_metadata")
def rebuild_metadata(series_pk: int) -> None:
    series = metadata_files.due().filter(pk=series_pk).first()
    if series is not None:
        services.rebuild_metadata(series)


@shared_task(name="archives.sweep")
@under_lease("archives.sweep", seconds=600)
def sweep() -> None:
    services.sweep()
