"""Bringing the index of a remote archive up to what its server holds, as that server lets itself be followed."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings

from apps.archives import passes, refreshing
from apps.archives.models import Archive
from apps.archives.reach import note_seen, reach_orthanc, reach_web

PASS_REST = timedelta(minutes=5)
"""Between two passes over a server that has no change log."""


def follow(archive: Archive) -> bool:
    """False when there is more to do than one turn may take. Raises ArchiveUnreachable, and OSError."""
    return _FOLLOWED[archive.kind](archive, settings.CLAIM_SECONDS / 2)


def _by_changes(archive: Archive, seconds: float) -> bool:
    with reach_orthanc(archive.pk, is_probe=True) as orthanc:
        is_complete = refreshing.refresh(archive, orthanc, seconds=seconds)
    note_seen(archive.pk)
    return is_complete


def _by_passes(archive: Archive, seconds: float) -> bool:
    with reach_web(archive.pk, is_probe=True) as web:
        is_complete = passes.go_over(archive, web, seconds=seconds)
    note_seen(archive.pk, rest=PASS_REST if is_complete else timedelta())
    return is_complete


_FOLLOWED: dict[str, Callable[[Archive, float], bool]] = {
    Archive.Kind.ORTHANC: _by_changes,
    Archive.Kind.DICOMWEB: _by_passes,
}
