"""Deleting images for good.

From the portal's own store rows go first, so that all is invisible at once, and then files; a row says what was asked
for until the last of them is gone, so that a deletion that is cut off is ended by the sweep. A file is taken away only
if no row names it, with the index locked: who stores the same object meanwhile puts it in place again
(`port.ImageStore.confirm`), so that each object is stored with row and bytes, or deleted with both.

From a server bytes go first: what is cut off is ended by deleting again, or by the next refresh of the index.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from django.db.models import Max, QuerySet

from apps.accounts.models import User
from apps.archives import removal
from apps.archives.intake import Arrival
from apps.archives.locking import index_locked
from apps.archives.models import Archive, Deletion, Instance, Series, Study
from apps.archives.overview import may_do, note_lack
from apps.archives.port import DeletionRefused
from apps.archives.remote_archive import RemoteArchive
from apps.archives.selectors import study_of, whole_instances
from apps.archives.static_archive import StaticArchive
from apps.archives.stores import store_of

DELETED = "images.deleted"
_ROWS_AT_ONCE = 1000
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
    store = store_of(archive)
    if isinstance(store, RemoteArchive):
        return _delete_there(archive, store, whole_instances(subject), by=by)
    deletion = _asked(subject, by=by)
    number = _instances(deletion).count()
    finish(deletion)
    return number


def finish(deletion: Deletion) -> None:
    """Loaded with its archive and its person. Twice, or at once, is once."""
    rows = _instances(deletion).order_by("pk").values_list("pk", flat=True)
    while some := list(rows[:_ROWS_AT_ONCE]):
        removal.remove(deletion.archive, some, by=deletion.by, event=DELETED)
    StaticArchive(deletion.archive_id).purge(deletion)
    deletion.delete()


def finish_for(archive: Archive, arrivals: Sequence[Arrival]) -> None:
    """What is still to be deleted of these goes now, so that what is then stored stays."""
    uids = {arrival.identity.study_instance_uid for arrival in arrivals}
    for deletion in Deletion.objects.filter(archive=archive, study_instance_uid__in=uids).select_related("by"):
        same = _instances(deletion).filter(sop_instance_uid__in=[one.identity.sop_instance_uid for one in arrivals])
        removal.remove(archive, list(same.values_list("pk", flat=True)), by=deletion.by, event=DELETED)


def finish_all() -> None:
    """Those that were cut off."""
    for deletion in Deletion.objects.select_related("archive", "by").order_by("pk"):
        finish(deletion)


def _asked(subject: Study | Series | Instance, *, by: User) -> Deletion:
    columns = {"study_instance_uid": study_of(subject).study_instance_uid}
    if isinstance(subject, Series):
        columns["series_instance_uid"] = subject.series_instance_uid
    elif isinstance(subject, Instance):
        columns["series_instance_uid"] = subject.series.series_instance_uid
        columns |= {"sop_instance_uid": subject.sop_instance_uid, "sha256": subject.sha256}
    with index_locked(subject.archive_id):
        last = Instance.objects.aggregate(last=Max("pk"))["last"] or 0
        return Deletion.objects.create(archive=subject.archive, by=by, last_instance_pk=last, **columns)


def _instances(deletion: Deletion) -> QuerySet[Instance]:
    """What is to be deleted, and still there."""
    found = Instance.objects.filter(archive=deletion.archive, pk__lte=deletion.last_instance_pk)
    found = found.filter(series__study__study_instance_uid=deletion.study_instance_uid)
    if deletion.series_instance_uid:
        found = found.filter(series__series_instance_uid=deletion.series_instance_uid)
    if deletion.sop_instance_uid:
        found = found.filter(sop_instance_uid=deletion.sop_instance_uid, sha256=deletion.sha256)
    return found


def _delete_there(archive: Archive, store: RemoteArchive, instances: Iterable[Instance], *, by: User) -> int:
    remaining = iter(instances)
    number = 0
    while some := list(islice(remaining, _AT_ONCE)):
        gone: list[int] = []
        try:
            for instance in store.delete(some):
                gone.append(instance.pk)  # noqa: PERF401 - also what is gone when an error ends it
        except DeletionRefused as refusal:
            note_lack(archive.pk, "delete")
            raise NothingIsDeleted from refusal
        finally:
            removal.remove(archive, gone, by=by, event=DELETED)
        number += len(some)
    return number
