"""Exports that people ask for on a page: one at a time on the platform, since each takes what the disks give."""

import structlog
from django.conf import settings
from django.db import transaction
from django.http import Http404

from apps.accounts.models import User
from apps.archives.index import TAKEN_OUT
from apps.archives.models import Archive, Export
from apps.archives.port import ArchiveUnreachable
from apps.archives.static.pool import PoolBusy
from apps.archives.static_export import exporting
from apps.archives.static_export.exporting import Progress
from apps.archives.static_export.target import TargetFailed
from apps.archives.static_export.targets import target_of
from apps.audit.services import record
from apps.core.doorbell import ring
from apps.core.leases import Held, LeaseLost, lease
from apps.core.state import IllegalTransition
from apps.projects.access import enter

log = structlog.get_logger(__name__)

Status = Export.Status
_TARGET_FAILED = "The target cannot be written. What is there stays; tell the administrators, then export again."
_NO_LONGER = "The person who asked for it may no longer export."
_FAULTS = "{} of the objects could not be read, the rest is there; tell the administrators (archive verify)."


class TargetUnknown(Exception):
    """No setting names this target."""


class _IsOver(Exception):
    """Somebody cancelled the export, or its archive is gone."""


def ask(archive: Archive, target: str, *, by: User) -> Export:
    """Has the archive exported to the target of that name; while that is under way, twice is once.

    Raises TargetUnknown.
    """
    if target not in settings.EXPORT_TARGETS:
        raise TargetUnknown(target)
    with transaction.atomic():
        export, is_new = Export.objects.get_or_create(
            archive=archive, target=target, status__in=Export.ACTIVE, defaults={"status": Status.QUEUED, "by": by}
        )
        if is_new:
            named = {"archive": archive.name, "target": target}
            record("export.asked", actor=by.pk, project=archive.project_id, subject=export, **named)
        ring("archives.advance_exports")
    return export


def cancel(export: Export, *, by: User) -> None:
    """What was written stays. Raises IllegalTransition when it has ended."""
    with transaction.atomic():
        export.move_to(Status.CANCELLED, by=by.pk)
        _record("export.cancelled", export, by=by.pk)


def place_of(export: Export) -> str:
    """Where in the target the archive has its own place. Raises TargetUnknown when it is named no more."""
    base = settings.EXPORT_TARGETS.get(export.target)
    if base is None:
        raise TargetUnknown(export.target)
    return f"{base.rstrip('/')}/{export.archive.project.namespace}/{export.archive.name}"


def advance() -> None:
    """Does all exports that wait, oldest first, and goes on with one that was killed. Returns while another does."""
    with lease("archives.exports") as held:
        try:
            while held and (export := _next()):
                _advance(export, held)
        except LeaseLost:
            log.warning("exports were taken over")


def _next() -> Export | None:
    active = Export.objects.filter(status__in=Export.ACTIVE).select_related("archive__project", "by")
    return active.order_by("pk").first()


def _advance(export: Export, held: Held) -> None:
    try:
        if export.status == Status.QUEUED:
            export.move_to(Status.RUNNING)
        sentence = _objection(export) or _exported(export, held)
        _end(export, sentence)
    except (_IsOver, IllegalTransition):
        log.info("export was cancelled", export=export.pk)


def _end(export: Export, sentence: str) -> None:
    with transaction.atomic():
        export.move_to(Status.FAILED if sentence else Status.DONE, sentence=sentence)
        told = {"archive": export.archive.name, "target": export.target, "status": export.status}
        _record("export.ended", export, by=export.by_id, **told)


def _record(event: str, export: Export, *, by: int, **detail: str) -> None:
    """With the number of objects that are in the target by now."""
    objects = Export.objects.values_list("done_count", flat=True).get(pk=export.pk)
    record(event, actor=by, project=export.archive.project_id, subject=export, objects=objects, **detail)


def _objection(export: Export) -> str:
    """Why it may not be done, as a sentence, or ""."""
    # Its rows are being removed, which says nothing of the images.
    if export.archive.removed_at is not None:
        return TAKEN_OUT
    return "" if _may_still(export) else _NO_LONGER


def _may_still(export: Export) -> bool:
    try:
        return export.by.is_active and enter(export.by, export.archive.project.namespace).may_export
    except Http404:
        return False


def _exported(export: Export, held: Held) -> str:
    """Why it failed, as a sentence; "" when all is there."""
    try:
        made = exporting.export(
            export.archive, target_of(place_of(export)), tell=lambda progress: _tell(export, held, progress)
        )
    except (ArchiveUnreachable, PoolBusy) as failure:
        return str(failure)
    except (TargetFailed, TargetUnknown, OSError):
        log.exception("export failed", export=export.pk)
        return _TARGET_FAILED
    if made.faults:
        log.error("objects are not exported", export=export.pk, faults=made.faults[:10])
    return _FAULTS.format(len(made.faults)) if made.faults else ""


def _tell(export: Export, held: Held, progress: Progress) -> None:
    """Notes the progress. Raises LeaseLost, and _IsOver."""
    held.check()
    running = Export.objects.filter(pk=export.pk, status=Status.RUNNING)
    if not running.update(done_count=progress.done, total_count=progress.total):
        raise _IsOver
