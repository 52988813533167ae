"""One child process and the pipe to it."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[3]
_START_SECONDS = 30.0
_CHUNK_BYTES = 1024 * 1024
# Native decoders leak a little; a child is replaced before that counts against its memory limit.
_MAX_REQUESTS = 2000


class ChildDied(Exception):
    """The child ended before it answered."""


class ChildLate(Exception):
    """The child did not answer in time."""


class ReaderUnavailable(Exception):
    """A fresh child does not start: the installation is at fault, not a file."""


class ChildConnection:
    """A started child; it serves one request after the other."""

    def __init__(self, memory_bytes: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "apps.archives.static.child", str(memory_bytes), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018
        self._requests = self._process.stdin.fileno()
        self._replies = self._process.stdout.fileno()
        self._buffer = bytearray()
        self._requests_left = _MAX_REQUESTS
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except (ChildDied, ChildLate) as error:
            self.kill()
            raise ReaderUnavailable("The reader of DICOM files does not start.") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def request(
        self, operation: str, arguments: dict[str, Any], timeout_seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        """Header and body of the answer; raises ChildDied or ChildLate, after which the child is of no use."""
        return next(self.requests(operation, [arguments], timeout_seconds))

    def requests(
        self, operation: str, several: Sequence[dict[str, Any]], timeout_seconds: float
    ) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Asks all at once and gives the answers as they come, in order, with so much time for each.

        The requests together must fit into a pipe that nobody empties: 4096 bytes (pipe(7)). Raises as `request`.
        """
        asked = [
            {"operation": operation, "arguments": arguments, "cpu_seconds": timeout_seconds} for arguments in several
        ]
        try:
            os.write(self._requests, b"".join(json.dumps(one).encode() + b"\n" for one in asked))
        except BrokenPipeError:
            raise ChildDied from None
        for _ in asked:
            header, body = self._receive(time.monotonic() + timeout_seconds)
            self._requests_left = 0 if header.pop("is_spent", False) else self._requests_left - 1
            yield header, body

    @property
    def is_spent(self) -> bool:
        """Whether the child has served enough, or has run out of memory."""
        return self._requests_left <= 0

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the child, whatever it does, and reap it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _receive(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill(deadline)
        header = json.loads(self._buffer[:end])
        body_end = end + 1 + header.pop("length")
        while len(self._buffer) < body_end:
            self._fill(deadline)
        body = bytes(self._buffer[end + 1 : body_end])
        del self._buffer[:body_end]
        return header, body

    def _fill(self, deadline: float) -> None:
        poller = select.poll()
        poller.register(self._replies, select.POLLIN)
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not poller.poll(remaining * 1000):
            raise ChildLate
        chunk = os.read(self._replies, _CHUNK_BYTES)
        if not chunk:
            raise ChildDied
        self._buffer += chunk


def _environment() -> dict[str, str]:
    """Nothing of ours but the way to the code: a file that takes over its child finds no secrets there."""
    return {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
