from celery import shared_task

from apps.archives import metadata_files, services
from apps.core.leases import lease


@shared_task(name="archives.rebuild_metadata")
def rebuild_metadata(series_pk: int) -> None:
    series = metadata_files.due().filter(pk=series_pk).first()
    if series is not None:
        services.rebuild_metadata(series)


@shared_task(name="archives.sweep")
def sweep() -> None:
    with lease("archives.sweep", seconds=600) as had:
        if had:
            services.sweep()
