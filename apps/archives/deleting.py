"""Deleting images for good: first their bytes, then their rows, so that what was deleted never comes back by itself.

A deletion that is cut off leaves rows without bytes, and deleting again ends it.
"""

from itertools import islice

from apps.accounts.models import User
from apps.archives import removal
from apps.archives.models import Archive, Instance, Series, Study
from apps.archives.overview import may_do, note_lack
from apps.archives.port import DeletionRefused
from apps.archives.selectors import whole_instances
from apps.archives.stores import store_of

DELETED = "images.deleted"
_AT_ONCE = 200


class NothingIsDeleted(Exception):
    """The archive's server deletes nothing for the portal."""

    def __init__(self) -> None:
        super().__init__("The server of this archive deletes nothing for the portal: delete there.")


def delete(subject: Study | Series | Instance, *, by: User) -> int:
    """A study, a series or one instance, loaded with its archive; how many instances. Audited by study.

    Raises NothingIsDeleted, and ArchiveUnreachable: what was deleted before stays so.
    """
    archive = subject.archive
    if not may_do(archive.pk, "delete"):
        raise NothingIsDeleted
    remaining = iter(whole_instances(subject))
    number = 0
    while some := list(islice(remaining, _AT_ONCE)):
        _delete(archive, some, by=by)
        number += len(some)
    return number


def _delete(archive: Archive, instances: list[Instance], *, by: User) -> None:
    gone: list[int] = []
    try:
        for instance in store_of(archive).delete(instances):
            gone.append(instance.pk)  # noqa: PERF401 - also what is gone when an error ends it
    except DeletionRefused as refusal:
        note_lack(archive.pk, "delete")
        raise NothingIsDeleted from refusal
    finally:
        removal.remove(archive, gone, by=by, event=DELETED)
