"""No outside system that hangs takes the whole worker: at most half of its threads work for one at the same time."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from apps.core.doorbell import ring

Bell = tuple[str, int]

_lock = threading.Lock()
_busy: Counter[str] = Counter()
_turned_away: defaultdict[str, dict[Bell, None]] = defaultdict(dict)


@contextmanager
def lane(system: str, *, or_ring: Bell) -> Iterator[bool]:
    """Whether there is room in this process for one more at work for the system, until the block ends.

    If there is none, `or_ring`, a task and its primary key, is rung for once there is.
    """
    if not _enter(system, or_ring):
        yield False
        return
    try:
        yield True
    finally:
        if bell := _leave(system):
            ring(*bell)


def _enter(system: str, bell: Bell) -> bool:
    with _lock:
        if _busy[system] >= max(1, settings.ENV["WORKER_THREADS"] // 2):
            _turned_away[system][bell] = None
            return False
        _busy[system] += 1
        return True


def _leave(system: str) -> Bell | None:
    """Whoever has waited longest."""
    with _lock:
        _busy[system] -= 1
        waiting = _turned_away[system]
        bell = next(iter(waiting), None)
        if bell:
            del waiting[bell]
        return bell
