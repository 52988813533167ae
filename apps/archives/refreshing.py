"""Keeping the index of an archive as its Orthanc is, which others write into too: by DIMSE, or its own pages.

The index follows the change log. Deletions are not in it, and the entries of what is deleted go with it; they show by
the number of objects, and then, as after the server was replaced, all names are compared.
"""

import time
from collections.abc import Collection, Sequence
from itertools import islice

from apps.archives import receiving, removal
from apps.archives.models import Archive, Instance, RemoteServer, SkippedObject
from apps.archives.static.pool import PoolBusy
from apps.integrations.dicomweb.port import AnswerInvalid, Change, ChangePage, OrthancApi

NEW_INSTANCE = "NewInstance"
_NAMES_AT_ONCE = 500


class TimeIsUp(Exception):
    """There is more to do than one refresh may take."""


def refresh(archive: Archive, orthanc: OrthancApi, *, seconds: float) -> bool:
    """One pass over what changed; False when it was not done in about that time, or the readers of files were busy.

    What it has done stays done, and each pass gets on. Raises what `orthanc` raises, and OSError.
    """
    try:
        _Refresh(archive, orthanc, deadline=time.monotonic() + seconds).run()
    except (TimeIsUp, PoolBusy):
        return False
    return True


class _Refresh:
    def __init__(self, archive: Archive, orthanc: OrthancApi, *, deadline: float) -> None:
        self._archive = archive
        self._orthanc = orthanc
        self._deadline = deadline
        self._server = RemoteServer.objects.get(archive=archive)

    def run(self) -> None:
        page = self._orthanc.changes(max((self._server.change_seq or 0) - 1, 0))
        if not self._goes_on(page):
            self._compare_all()
            page = self._next_page()
        while True:
            self._follow(page)
            if page.is_done:
                break
            page = self._next_page()
        if self._orthanc.count() != self._known_count():
            self._compare_all()

    def _goes_on(self, page: ChangePage) -> bool:
        """Whether the log is the one that the index has followed, with the entry at which it stopped."""
        seq = self._server.change_seq
        if seq is None or page.last < seq:
            return False
        at = [change.mark for change in page.changes if change.seq == seq]
        return at == ([self._server.change_mark] if self._server.change_mark else [])

    def _next_page(self) -> ChangePage:
        return self._orthanc.changes(self._server.change_seq or 0)

    def _follow(self, page: ChangePage) -> None:
        later = [change for change in page.changes if change.seq > (self._server.change_seq or 0)]
        names = dict.fromkeys(change.orthanc_id for change in later if change.kind == NEW_INSTANCE)
        SkippedObject.objects.filter(archive=self._archive, remote_name__in=names).delete()
        self._take(list(names))
        if later:
            self._note_position(later[-1].seq, later[-1])
        elif not page.is_done:
            raise AnswerInvalid("Its change log does not go on.")

    def _compare_all(self) -> None:
        tail = self._orthanc.last_change()
        there: set[str] = set()
        names = self._orthanc.orthanc_ids()
        while some := list(islice(names, _NAMES_AT_ONCE)):
            if there.issuperset(some):
                raise AnswerInvalid("Its list of objects has no end.")
            there.update(some)
            self._take(some)
        self._forget(there)
        last = tail.changes[-1] if tail.changes else None
        self._note_position(last.seq if last else tail.last, last)

    def _take(self, names: Sequence[str]) -> None:
        """Takes those into the index that it does not know."""
        unknown = [name for name in names if name not in self._known(names)]
        for _ in receiving.receive(self._archive, self._orthanc, unknown, own_username=self._server.username):
            self._check_time()

    def _forget(self, there: Collection[str]) -> None:
        """Removes from the index what is gone; asked for one by one, since the list of a busy server has gaps."""
        rows = Instance.objects.filter(archive=self._archive).values_list("remote_name", "pk")
        missing = iter([(name, pk) for name, pk in rows.iterator() if name not in there])
        skipped = SkippedObject.objects.filter(archive=self._archive)
        while some := list(islice(missing, _NAMES_AT_ONCE)):
            if removed := [pk for name, pk in some if not self._orthanc.has(name)]:
                removal.remove(self._archive, removed)
                # What they stood in the way of may come in now.
                skipped.delete()
            self._check_time()
        gone = [pk for pk, name in skipped.values_list("pk", "remote_name") if name not in there]
        skipped.filter(pk__in=gone).delete()

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise TimeIsUp

    def _known(self, names: Sequence[str]) -> set[str]:
        return {
            name
            for model in (Instance, SkippedObject)
            for name in model.objects.filter(archive=self._archive, remote_name__in=names).values_list(
                "remote_name", flat=True
            )
        }

    def _known_count(self) -> int:
        return sum(model.objects.filter(archive=self._archive).count() for model in (Instance, SkippedObject))

    def _note_position(self, seq: int, change: Change | None) -> None:
        self._server.change_seq, self._server.change_mark = seq, change.mark if change else ""
        self._server.save(update_fields=["change_seq", "change_mark"])
