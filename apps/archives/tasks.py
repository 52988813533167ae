from celery import shared_task

from apps.archives import exports, metadata_files, registering, services
from apps.archives.models import Archive, Instance
from apps.core.leases import under_lease


@shared_task(name="archives.rebuild_metadata")
def rebuild_metadata(series_pk: int) -> None:
    series = metadata_files.due().filter(pk=series_pk).first()
    if series is not None:
        services.rebuild_metadata(series)


@shared_task(name="archives.refresh")
def refresh() -> None:
    services.refresh_due()


@shared_task(name="archives.refresh_one", throws=(services.ArchiveUnreachable,))
def refresh_one(archive_pk: int) -> None:
    archive = Archive.objects.filter(pk=archive_pk).first()
    if archive is not None:
        registering.probe_due(archive)
        services.refresh(archive)


@shared_task(name="archives.reread", throws=(services.ArchiveUnreachable,))
def reread(instance_pk: int) -> None:
    instance = Instance.objects.select_related("archive", "series__study").filter(pk=instance_pk).first()
    if instance is not None:
        services.reread(instance)


@shared_task(name="archives.advance_exports")
def advance_exports() -> None:
    exports.advance()


@shared_task(name="archives.sweep")
@under_lease("archives.sweep")
def sweep() -> None:
    services.sweep()
