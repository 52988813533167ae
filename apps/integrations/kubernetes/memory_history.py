"""What became of the twin's objects, version by version, for those who watch them."""

from __future__ import annotations

import threading
from copy import deepcopy
from typing import NamedTuple

from apps.integrations.kubernetes.port import Change, Kind, Manifest, VersionGone, kind_of
from apps.integrations.kubernetes.selectors import has_labels


class _Entry(NamedTuple):
    version: int
    was: Manifest | None
    now: Manifest | None


class History:
    """Used under the twin's lock."""

    def __init__(self, lock: threading.RLock) -> None:
        self._grown = threading.Condition(lock)
        self._entries: list[_Entry] = []
        self._forgotten = 0

    def add(self, version: int, was: Manifest | None, now: Manifest | None) -> None:
        self._entries.append(_Entry(version, deepcopy(was), deepcopy(now)))
        self._grown.notify_all()

    def forget(self) -> None:
        """Nobody can watch from an earlier version than the present one any more."""
        self._forgotten = self._entries[-1].version if self._entries else 0

    def after(self, version: int, kind: Kind, labels: str) -> list[Change]:
        """Raises VersionGone."""
        if version < self._forgotten:
            raise VersionGone(410, "Expired", f"too old resource version: {version} ({self._forgotten})")
        later = (entry for entry in self._entries if entry.version > version)
        return [change for entry in later if (change := _change(entry, kind, labels))]

    def wait(self, seconds: float) -> None:
        """Until there is more, for so long at most. Others have the lock meanwhile."""
        self._grown.wait(seconds)


def _change(entry: _Entry, kind: Kind, labels: str) -> Change | None:
    was, now = (one if one and kind_of(one) == kind and has_labels(one, labels) else None for one in entry[1:])
    if was is None and now is None:
        return None
    found = deepcopy(now or was or {})
    found["metadata"]["resourceVersion"] = str(entry.version)
    what = "DELETED" if now is None else "ADDED" if was is None else "MODIFIED"
    return Change(what, found, str(entry.version))
