"""Looking at and ending a tree of processes, however its members try to hide, by what Linux tells in /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
KILL_SECONDS = 30


@dataclass(frozen=True)
class Process:
    """One line of /proc/<pid>/stat (proc_pid_stat(5)); `state` is its letter there."""

    pid: int
    parent: int
    state: str
    threads: int
    memory_bytes: int

    @property
    def is_dead(self) -> bool:
        """A zombie runs nothing any more; it only waits to be collected."""
        return self.state in "ZXx"


def descendants(root: int) -> list[Process]:
    """All living processes below `root`, without it."""
    children = defaultdict(list)
    for process in _all_processes():
        children[process.parent].append(process)
    found: list[Process] = []
    waiting = [root]
    while waiting:
        for process in children.pop(waiting.pop(), ()):
            waiting.append(process.pid)
            found.append(process)
    return [process for process in found if not process.is_dead]


def shared_memory_bytes(processes: Iterable[Process]) -> int:
    """What they occupy together: of a page that n share each counts 1/n (PSS, proc_pid_smaps(5)); slow."""
    total = 0
    for process in processes:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            try:
                total += _proportional_bytes(
                    Path("/proc", str(process.pid), "smaps_rollup").read_text(encoding="ascii")
                )
            except PermissionError:
                total += process.memory_bytes
    return total


def own_threads() -> int:
    """How many threads this user has in all, as RLIMIT_NPROC counts them."""
    user_id, total = os.geteuid(), 0
    for process in _all_processes():
        with contextlib.suppress(FileNotFoundError):
            total += process.threads if os.stat(f"/proc/{process.pid}").st_uid == user_id else 0
    return total


def send(processes: Iterable[Process], signal_number: signal.Signals) -> None:
    """Send a signal to each; one that is gone already is as wished."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal_number)


def kill_descendants() -> bool:
    """Kill everything below this process, which must be a subreaper, and collect it; False if something lives on after
    30 s.

    All are stopped before the first is killed: a fork bomb would otherwise refill the gaps.
    """
    deadline = time.monotonic() + KILL_SECONDS
    while (alive := descendants(os.getpid())) and time.monotonic() < deadline:
        running = [process for process in alive if process.state not in "Tt"]
        send(running, signal.SIGSTOP)
        if not running:
            send(alive, signal.SIGKILL)
        collect_dead()
    collect_dead()
    return not alive


def collect_dead() -> None:
    """Collect every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _all_processes() -> Iterable[Process]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield _parse_stat(int(entry), Path("/proc", entry, "stat").read_bytes())


def _proportional_bytes(smaps_rollup: str) -> int:
    for line in smaps_rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _parse_stat(pid: int, line: bytes) -> Process:
    # The name in brackets may itself hold brackets and spaces, so count from the last one.
    fields = line[line.rindex(b")") + 2 :].split()
    return Process(
        pid=pid,
        state=fields[0].decode(),
        parent=int(fields[1]),
        threads=int(fields[17]),
        memory_bytes=int(fields[21]) * PAGE_BYTES,
    )
