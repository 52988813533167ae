"""Keeps a right that runs out for as long as a block takes, so that it can be short: a process that dies holds it no
longer than that.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, close_old_connections, connection

log = structlog.get_logger(__name__)


@contextmanager
def renewed(renew: Callable[[], bool], *, every_seconds: float) -> Iterator[None]:
    """Calls `renew` in a thread of its own until the block ends, or until it answers that the right is lost."""
    ended = threading.Event()
    thread = threading.Thread(target=_go_on, args=(renew, ended, every_seconds), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _go_on(renew: Callable[[], bool], ended: threading.Event, every_seconds: float) -> None:
    try:
        while not ended.wait(every_seconds):
            if not _renewed(renew):
                return
    finally:
        connection.close()


def _renewed(renew: Callable[[], bool]) -> bool:
    """A database that is away for a moment is asked again."""
    close_old_connections()
    try:
        return renew()
    except DatabaseError:
        log.exception("not renewed")
        return True
