"""Comparing the index of an archive with its files."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from apps.archives.metadata_files import UNREADABLE
from apps.archives.models import Archive, Deletion, Instance
from apps.archives.static_archive import StaticArchive
from apps.archives.stores import store_of

_PAGE = 500


def verify(archive: Archive) -> Iterator[str]:
    """One sentence for each object of the index whose bytes are missing or changed, or whose row cannot be read.

    None when all is well. Reads every byte. Raises ArchiveUnreachable.
    """
    store = store_of(archive)
    for instance in _instances(archive):
        fault = store.fault_of(instance) or _fault_of_row(instance)
        # It may have been deleted meanwhile.
        if fault and Instance.objects.filter(pk=instance.pk).exists():
            yield f"Instance {instance.pk} ({instance.sop_instance_uid}): {fault}"


def _fault_of_row(instance: Instance) -> str:
    try:
        for packed in (instance.metadata, instance.frames):
            json.loads(gzip.decompress(packed))
        json.loads(instance.attributes)
    except (*UNREADABLE, ValueError):
        return "its row in the index cannot be read; `archive rebuild` makes it anew from its file."
    return ""


def unindexed_files(archive: Archive) -> list[Path]:
    """Files of a built-in archive that the index does not know.

    They were published by a process that was killed before it could acknowledge them, or are newer than the database,
    as after an old copy of it was brought back. Files that are being stored meanwhile are among them, those that are
    being deleted are not.
    """
    store = StaticArchive(archive.pk)
    known = {store.path(instance) for instance in _instances(archive, "metadata", "frames", "attributes")}
    # Read between rows and files: what has lost its row before is still named here.
    for deletion in Deletion.objects.filter(archive=archive):
        known.update(store.files_of(deletion))
    return [path for path in store.object_files() if path not in known]


def _instances(archive: Archive, *without: str) -> Iterator[Instance]:
    """Page by page: one read that lasts for hours would keep the database from tidying its log."""
    rows = Instance.objects.filter(archive=archive).select_related("series__study").order_by("pk")
    last = 0
    while page := list(rows.defer(*without).filter(pk__gt=last)[:_PAGE]):
        yield from page
        last = page[-1].pk
