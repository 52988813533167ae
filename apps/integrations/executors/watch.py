"""What the launcher watches while a run goes on: its limits, and the size of its log."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from apps.integrations.executors.port import EndedBy, Limits
from apps.integrations.executors.processes import Process, shared_memory_bytes

READ_BYTES = 64 * 1024
DISK_CHECK_SECONDS = 1.0


class Watch:
    """Compares a run with its limits. Time runs from the moment that this is made."""

    def __init__(self, limits: Limits, directories: Sequence[Path]) -> None:
        self.limits = limits
        self.directories = directories
        self.peak_memory_bytes = 0
        self._deadline = time.monotonic() + limits.timeout_seconds
        self._next_disk_check = 0.0

    def check(self, processes: Sequence[Process]) -> EndedBy | None:
        """The limit that these processes exceed now, or None."""
        if sum(process.threads for process in processes) > self.limits.pids:
            return EndedBy.TOO_MANY_PROCESSES
        memory_bytes = sum(process.memory_bytes for process in processes)
        if memory_bytes > self.limits.memory_bytes:
            # The sum counts what a family shares many times over; only now is the exact figure worth its price.
            memory_bytes = shared_memory_bytes(processes)
        self.peak_memory_bytes = max(self.peak_memory_bytes, memory_bytes)
        if memory_bytes > self.limits.memory_bytes:
            return EndedBy.OUT_OF_MEMORY
        if time.monotonic() > self._deadline:
            return EndedBy.TIMEOUT
        return EndedBy.OUTPUT_TOO_LARGE if self._writes_too_much() else None

    def _writes_too_much(self) -> bool:
        if time.monotonic() < self._next_disk_check:
            return False
        self._next_disk_check = time.monotonic() + DISK_CHECK_SECONDS
        return sum(map(disk_bytes, self.directories)) > self.limits.output_bytes


def disk_bytes(directory: Path) -> int:
    """Bytes that all files below a directory take; links are not followed, what vanishes meanwhile is not counted."""
    total = 0
    for path, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total


class LogFile:
    """The run's log, cut at its cap: the algorithm goes on, its further words are dropped, and a sentence says so."""

    def __init__(self, path: Path, cap_bytes: int) -> None:
        self._file = path.open("ab", buffering=0)
        self._cap_bytes = cap_bytes
        self._left_bytes = cap_bytes

    def __enter__(self) -> LogFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def pass_on(self, output: int) -> bool:
        """Write what the pipe holds now; False once all who could write to it are gone. Never waits after `select`."""
        chunk = os.read(output, READ_BYTES)
        if not chunk:
            return False
        if self._left_bytes > 0:
            self._file.write(chunk[: self._left_bytes])
            self._left_bytes -= len(chunk)
            if self._left_bytes <= 0:
                self._file.write(f"\n[The log is cut here, at {self._cap_bytes} bytes; the run went on.]\n".encode())
        return True

    def drain(self, output: int) -> None:
        """Write all that is left once the writers have ended."""
        while select.select([output], [], [], 0)[0] and self.pass_on(output):
            continue
