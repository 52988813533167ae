"""Whole objects as files of a zip archive."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from apps.accounts.models import User
from apps.archives.folders import Folders
from apps.archives.models import Archive, Instance, Study
from apps.archives.selectors import uids_of, whole_instances
from apps.archives.stores import store_of
from apps.archives.zipping import Member, written
from apps.audit.services import record


def pack(archive: Archive, instances: Iterable[Instance]) -> list[Member]:
    """Objects of one archive. Raises ObjectUnavailable and ArchiveUnreachable, as far as that can be known at once."""
    return list(_members(archive, instances))


def zipped(archive: Archive, studies: Sequence[Study], *, by: User) -> Iterator[bytes]:
    """All of several studies as one zip file, of which one study at a time is in memory; audited as taken away.

    Raises ObjectUnavailable and ArchiveUnreachable when the first object cannot be had; when a later one cannot, the
    file ends early and is no zip file.
    """
    members = _members(archive, chain.from_iterable(map(whole_instances, studies)))
    first = list(islice(members, 1))
    for study in studies:
        record("images.exported", actor=by.pk, project=archive.project_id, subject=study, **uids_of(study))
    return written(chain(first, members))


def _members(archive: Archive, instances: Iterable[Instance]) -> Iterator[Member]:
    store, folders = store_of(archive), Folders()
    for instance in instances:
        yield Member(folders.path_of(instance), instance.size_bytes, store.whole(instance).chunks)
