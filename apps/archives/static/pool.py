"""A pool of limited child processes that read files from outside, one file after the other."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from .connection import ChildConnection, ChildDied, ChildLate
from .refusals import FileRefused

DEFAULT_MEMORY_BYTES = 2 * 1024**3
DEFAULT_TIMEOUT_SECONDS = 30.0


class Reply(NamedTuple):
    """What a child answered: the JSON header, and the binary body (images, frames, metadata)."""

    header: dict[str, Any]
    body: bytes


Answer = Reply | FileRefused | OSError
"""A refusal or a fault of the system is what the call would have raised."""


class PoolBusy(Exception):
    """All children stayed busy for as long as the caller was ready to wait."""

    def __init__(self) -> None:
        super().__init__("The archive is busy; try again in a minute.")


class ChildPool:
    """At most `size` children, started when needed, reused, and replaced when they die. Safe for threads."""

    def __init__(self, size: int, memory_bytes: int = DEFAULT_MEMORY_BYTES, *, wait_seconds: float = 60.0) -> None:
        self._memory_bytes = memory_bytes
        self._wait_seconds = wait_seconds
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[ChildConnection] = []
        self._is_closed = False
        # A child's death signal is bound to the thread that started it (prctl(2)), so one lasting thread starts all.
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader-starter")

    def call(self, operation: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS, **arguments: Any) -> Reply:
        """Have a child do `operation` (see `operations`) within `timeout_seconds` of time and of CPU.

        Raises FileRefused when the file is refused, makes its child die, or takes too long; PoolBusy when no child
        comes free; ReaderUnavailable when children cannot be started at all; OSError for a missing file or full disk.
        """
        (answer,) = self.call_many(operation, [arguments], timeout_seconds=timeout_seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def call_many(
        self, operation: str, several: Sequence[dict[str, Any]], *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> list[Answer]:
        """What `call` gives or raises for each of several arguments, in their order, asked all at once.

        They must be short (see `ChildConnection.requests`). A child that dies fails only what it was at. Raises
        PoolBusy and ReaderUnavailable.
        """
        answers: list[Answer] = []
        while len(answers) < len(several):
            try:
                with self._child() as child:
                    asked = child.requests(operation, several[len(answers) :], timeout_seconds)
                    _take_answers(child, asked, answers)
            except ChildLate:
                answers.append(FileRefused(f"Reading the file took longer than {timeout_seconds:g} seconds."))
            except ChildDied:
                answers.append(FileRefused("The file made its reader fail: it is damaged or not what it says it is."))
        return answers

    def close(self) -> None:
        """End all children; calls that still run end theirs when they are done."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for child in idle:
            child.kill()
        self._starter.shutdown(wait=False)

    @contextmanager
    def _child(self) -> Iterator[ChildConnection]:
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise PoolBusy
        try:
            child = self._take()
            try:
                yield child
            except BaseException:
                child.kill()
                raise
            self._give_back(child)
        finally:
            self._slots.release()

    def _take(self) -> ChildConnection:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return self._starter.submit(ChildConnection, self._memory_bytes).result()
            if child.is_alive():
                return child
            child.kill()

    def _give_back(self, child: ChildConnection) -> None:
        with self._lock:
            if not self._is_closed and not child.is_spent:
                self._idle.append(child)
                return
        child.kill()


def _take_answers(child: ChildConnection, asked: Iterator[tuple[dict[str, Any], bytes]], answers: list[Answer]) -> None:
    """Until all are there, or the child has run out of memory: what it would say of the other files is of no worth."""
    for header, body in asked:
        answers.append(_answer(header, body))
        if child.is_spent:
            return


def _answer(header: dict[str, Any], body: bytes) -> Answer:
    if "refused" in header:
        return FileRefused(header["refused"])
    if "errno" in header:
        return OSError(header["errno"], os.strerror(header["errno"]))
    return Reply(header, body)


_default_pool: ChildPool | None = None
_default_size = max(2, min(os.cpu_count() or 2, 4))
_default_memory_bytes = DEFAULT_MEMORY_BYTES
_default_lock = threading.Lock()


def configure_default_pool(*, size: int, memory_bytes: int) -> None:
    """Say how large the default pools of this process and its forks are; before the first is made."""
    global _default_size, _default_memory_bytes
    _default_size, _default_memory_bytes = size, memory_bytes


def default_pool() -> ChildPool:
    """The pool of this process, made at the first call; a forked process makes its own."""
    global _default_pool  # noqa: PLW0603
    with _default_lock:
        if _default_pool is None:
            _default_pool = ChildPool(_default_size, _default_memory_bytes)
        return _default_pool


def _forget_default_pool() -> None:
    """After a fork: the children belong to the parent process, and the lock may have been held."""
    global _default_pool, _default_lock
    _default_pool, _default_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_default_pool)
