"""The front of this room: what other rooms do with archives, and the facts that they then have to know."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from django.core.cache import cache
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import deleting, deposits, index, metadata_files, receiving, removal
from apps.archives.devices import ensure_application_entity
from apps.archives.dicomweb.query import Level, parse
from apps.archives.dicomweb.search import Scope, search
from apps.archives.following import follow
from apps.archives.intake import IncomingFile
from apps.archives.models import (
    ApplicationEntity,
    Archive,
    DicomDevice,
    Instance,
    RemoteServer,
    Series,
    Study,
    StudyRead,
)
from apps.archives.object_cache import object_cache
from apps.archives.packing import zipped
from apps.archives.port import ArchiveUnreachable, Look, NotInObject, ObjectUnavailable, Picture
from apps.archives.reach import forget_failure, gateway_text, note_seen, reach
from apps.archives.results import FailureReason, Outcome, StoredResult
from apps.archives.selectors import uids_of
from apps.archives.static.colours import segment_colour
from apps.archives.static.identity import is_uid
from apps.archives.static.pool import ChildPool, PoolBusy, default_pool
from apps.archives.static.refusals import FileRefused
from apps.archives.static.values import JsonDataSet
from apps.archives.static_export import exporting
from apps.archives.static_export.exporting import Progress
from apps.archives.static_export.target import TargetFailed
from apps.archives.static_export.targets import target_of
from apps.archives.stores import store_of
from apps.archives.storing import check_files, receiving_folder, store_files
from apps.audit.services import record, record_each
from apps.core.doorbell import ring
from apps.core.leases import lease
from apps.core.sealed import SecretUnreadable
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project

__all__ = [
    "ArchiveUnreachable",
    "FailureReason",
    "FileRefused",
    "IncomingFile",
    "JsonDataSet",
    "Look",
    "NotInObject",
    "ObjectUnavailable",
    "Outcome",
    "Picture",
    "PoolBusy",
    "Progress",
    "StoredResult",
    "TargetFailed",
    "check_files",
    "is_uid",
    "receiving_folder",
    "segment_colour",
    "store_files",
    "zipped",
]

log = structlog.get_logger(__name__)

DEFAULT_NAME = "images"
REMOTE_NAME = "orthanc"
ABANDONED_SECONDS = 24 * 3600
WRITTEN_PER_SWEEP = 500


def ensure_archive(project: Project) -> Archive:
    """The project's default archive, made if there is none, and its AE title. Twice is once."""
    ensure_application_entity(project)
    archive, _ = Archive.objects.get_or_create(
        project=project, is_default=True, defaults={"name": DEFAULT_NAME, "kind": Archive.Kind.BUILT_IN}
    )
    return archive


def ensure_remote_archive(project: Project, *, route: Route, username: str, password: str) -> Archive:
    """The project's archive at the Orthanc to whose HTTP root the route leads; a new one is the default. Twice is once.

    One that is there already gets the new route and credentials.
    """
    with transaction.atomic():
        archive, is_new = Archive.objects.get_or_create(
            project=project, name=REMOTE_NAME, defaults={"kind": Archive.Kind.ORTHANC}
        )
        if is_new:
            Archive.objects.filter(project=project, is_default=True).update(is_default=False)
            archive.is_default = True
            archive.save(update_fields=["is_default"])
        credentials = {"username": username, "password": password, "gateway": gateway_text(route.gateway)}
        wanted = {"address": route.address.rstrip("/"), **credentials}
        if not _is_at(archive, wanted):
            due = {"refresh_due_at": timezone.now()}
            if not RemoteServer.objects.filter(archive=archive).update(**wanted, **due):
                RemoteServer.objects.create(archive=archive, **wanted)
            forget_failure(archive.pk)
            ring("archives.refresh_one", archive.pk)
    return archive


def destroy_archives(project: Project) -> None:
    """The images that the built-in store holds for the project, and the indexes of all its archives. Twice is once.

    Its AE title is free again, and no device is listed.
    """
    for model in (ApplicationEntity, DicomDevice):
        model.objects.filter(project=project).delete()
    for archive in Archive.objects.filter(project=project).order_by("pk"):
        removal.destroy(archive)


def reader() -> ChildPool:
    """The limited children of this process, which alone parse, decode and unpack what comes from outside."""
    return default_pool()


def rebuild_metadata(series: Series) -> None:
    """Writes the metadata file of a series that changed. Twice is once."""
    if series.is_metadata_stale:
        metadata_files.write(series)


def sweep() -> None:
    """Writes metadata files that are due. Removes what uploads that died have left, and archives that were taken out,
    and copies nobody reads. Ends deletions that were cut off."""
    for series in metadata_files.due().order_by("metadata_written_at")[:WRITTEN_PER_SWEEP]:
        metadata_files.write(series)
    for archive in Archive.objects.all():
        store_of(archive).sweep(older_than_seconds=ABANDONED_SECONDS)
    for archive in Archive.objects.exclude(removed_at=None).exclude(studies=None).distinct():
        removal.empty(archive)
    object_cache().sweep()
    deposits.sweep()
    deleting.finish_all()


def refresh_due() -> None:
    """Rings for every remote archive whose index is to be compared with its server again."""
    due = RemoteServer.objects.filter(refresh_due_at__lte=timezone.now())
    due = due.exclude(archive__project__status__in=Project.ASLEEP | {Project.Status.DELETING})
    for pk in due.values_list("archive", flat=True):
        ring("archives.refresh_one", pk)


def refresh(archive: Archive) -> bool:
    """Brings the index up to what the archive's server holds; whether it is. Twice, or at once, is once.

    False when another is at it, or when there is more to do than a refresh may take: ask again. A built-in archive
    is always so. Raises ArchiveUnreachable.
    """
    if archive.kind == Archive.Kind.BUILT_IN:
        return True
    with lease(f"archives.refresh.{archive.pk}") as had:
        if not had:
            return False
        is_complete = follow(archive)
    if not is_complete:
        ring("archives.refresh_one", archive.pk)
    return is_complete


def probe(archive: Archive) -> None:
    """Asks the server of a remote archive for an answer; a built-in archive needs none. Raises ArchiveUnreachable."""
    if archive.kind == Archive.Kind.BUILT_IN:
        return
    with reach(archive.pk, is_probe=True) as server:
        server.ping()
    note_seen(archive.pk)


def search_studies(archive: Archive) -> int:
    """How many studies a search (QIDO-RS) over all of the archive finds; at most as many as one answer has."""
    return len(search(Level.STUDY, Scope(archive), parse(Level.STUDY, QueryDict()), root="").objects)


def reread(instance: Instance) -> None:
    """Compares an object of a remote archive with the index; what was replaced there is replaced in the index.

    `instance` is loaded with archive, series and study. Twice is once. Raises ArchiveUnreachable.
    """
    with reach(instance.archive_id, is_probe=True) as server:
        arrival = receiving.read_again(instance.archive, server, instance)
    if arrival is None:
        log.error("remote object is gone, or not what its name says", instance=instance.pk)
    elif arrival.sha256 != instance.sha256:
        removal.remove(instance.archive, [instance.pk])
        index.add(instance.archive, [arrival], by=None, event=index.ARRIVED)


def remove(archive: Archive, sop_instance_uids: Iterable[str]) -> None:
    """Of a remote archive, at its server and from its index. What is gone is as wished. Raises ArchiveUnreachable."""
    with reach(archive.pk) as server:
        for uid in sop_instance_uids:
            for remote_name in server.instances_of(uid):
                server.delete(remote_name)
    refresh(archive)


@contextmanager
def fetch(instance: Instance) -> Iterator[Path]:
    """The Part 10 file of an instance, loaded with archive, series and study, until the block ends; to be read only.

    Raises ObjectUnavailable, ArchiveUnreachable.
    """
    with store_of(instance.archive).fetch(instance) as path:
        yield path


def is_at_hand(instance: Instance) -> bool:
    """Whether reading the object, loaded with its archive, waits for no other machine."""
    return store_of(instance.archive).is_at_hand(instance)


def render(instance: Instance, frame: int, look: Look) -> Picture:
    """Frame `frame` (from 1) as a screen shows it.

    Raises NotInObject, ObjectUnavailable, ArchiveUnreachable, FileRefused, PoolBusy.
    """
    return store_of(instance.archive).rendered(instance, frame, look)


def overlay(segmentation: Instance, source: Instance, *, frame: int = 1) -> Picture | None:
    """The segments on frame `frame` (from 1) of `source` as RGBA PNG, None when there are none.

    Raises ObjectUnavailable, ArchiveUnreachable, FileRefused, PoolBusy.
    """
    return store_of(segmentation.archive).overlay(segmentation, source, frame)


def export(archive: Archive, place: str, *, root: str = "", tell: Callable[[Progress], None]) -> Progress:
    """Makes the folder or bucket as the archive is (see `exporting.export`), for who has a shell here. Twice is once.

    Raises TargetFailed, ArchiveUnreachable, PoolBusy and OSError.
    """
    record("archive.exported", actor=None, project=archive.project_id, subject=archive)
    made = exporting.export(archive, target_of(place), root=root, tell=tell)
    there = made.done - len(made.faults)
    record("archive.export_ended", actor=None, project=archive.project_id, subject=archive, objects=there)
    return made


def note_read(study: Study, *, by: User, kind: StudyRead.Kind) -> None:
    """Audits that a person saw or took away images of a study: once an hour, however many requests there are."""
    note_reads([study], by=by, kind=kind)


def note_reads(studies: Iterable[Study], *, by: User, kind: StudyRead.Kind) -> None:
    """As `note_read`, of studies of one archive, in few queries."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    keys = {f"archives.read.{study.pk}.{by.pk}.{kind}.{hour:%Y%m%d%H}": study for study in studies}
    known = cache.get_many(keys)
    fresh = [study for key, study in keys.items() if key not in known]
    if not fresh:
        return
    with transaction.atomic():
        # What the same person reads at once is noted one after the other.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        noted = StudyRead.objects.filter(study__in=fresh, user=by, kind=kind, hour=hour)
        noted_pks = set(noted.values_list("study_id", flat=True))
        first = [study for study in fresh if study.pk not in noted_pks]
        StudyRead.objects.bulk_create([StudyRead(study=study, user=by, kind=kind, hour=hour) for study in first])
        project = Archive.objects.values_list("project_id", flat=True).get(pk=fresh[0].archive_id)
        told = [(study, uids_of(study)) for study in first]
        record_each(f"images.{kind}", told, actor=by.pk, project=project)
    cache.set_many(dict.fromkeys(keys, True), 3600)


def note_export(subject: Study | Series | Instance, *, by: User) -> None:
    """Audits that a person took whole objects away, each time. `subject` is loaded with its archive."""
    record("images.exported", actor=by.pk, project=subject.archive.project_id, subject=subject, **uids_of(subject))


def _is_at(archive: Archive, wanted: dict[str, str]) -> bool:
    try:
        server = RemoteServer.objects.get(archive=archive)
    except (RemoteServer.DoesNotExist, SecretUnreadable):
        return False
    return all(getattr(server, name) == value for name, value in wanted.items())
