"""The folder of one run of the process executor: what the portal and the launcher tell each other, file by file.

`request.json` the portal's wish · `lock` held by the launcher for life · `started.json` written before the algorithm
starts · `exit.json` how it ended · `stop` the portal's wish that it end · `log` · `home/`, `tmp/` scratch. Every file
that carries a fact is written whole under another name first, so that a reader finds all of it or nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from apps.integrations.executors.port import EndedBy, FileSystem, Limits, Network, Observation, RunSpec, State

FLOCK = "hhqqi4x"
"""`struct flock` of Linux on 64 bits: type, whence, start, length, process."""

Report = dict[str, Any]


class RunDirectory:
    """Paths and facts of one run; creates nothing by being made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.request = path / "request.json"
        self.lock = path / "lock"
        self.started = path / "started.json"
        self.exit = path / "exit.json"
        self.stop = path / "stop"
        self.log = path / "log"
        self.home = path / "home"
        self.tmp = path / "tmp"

    def take_lock(self) -> IO[bytes] | None:
        """Hold the lock until this process ends, or None if another process holds it.

        A POSIX record lock: unlike flock it is not passed on to children, and others can look without taking it.
        """
        file = self.lock.open("ab")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def is_locked(self) -> bool:
        """Whether a launcher lives; must not be asked by the launcher itself, which it would not see."""
        try:
            with self.lock.open("rb") as file:
                answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except FileNotFoundError:
            return False
        return bool(struct.unpack(FLOCK, answer)[0] != fcntl.F_UNLCK)


def write_whole(path: Path, content: str) -> None:
    """Write under another name, sync, rename: after a crash `path` is as before or complete."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_report(path: Path, report: Report) -> None:
    """Write a report as JSON; times as ISO 8601 with offset."""
    write_whole(path, json.dumps(report, default=str))


def read_report(path: Path) -> Report | None:
    """The report, or None while there is none."""
    try:
        content: Report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content


def encode_request(run: RunSpec) -> str:
    """The run as JSON, for the launcher."""
    return json.dumps(asdict(run), default=str)


def decode_request(content: str) -> RunSpec:
    """The inverse of `encode_request`."""
    fields = json.loads(content)
    directories = {key: Path(fields.pop(key)) for key in ("input_directory", "output_directory", "working_directory")}
    limits = Limits(**fields.pop("limits"))
    return RunSpec(name=fields["name"], command=tuple(fields["command"]), limits=limits, **directories)


def observation(state: State, report: Report) -> Observation:
    """What a report of the launcher says, as the port puts it."""
    ended_by, network, file_system = (report.get(key) for key in ("ended_by", "network", "file_system"))
    ended_at = report.get("ended_at")
    return Observation(
        state=state,
        exit_code=report.get("exit_code"),
        ended_by=EndedBy(ended_by) if ended_by else None,
        peak_memory_bytes=report.get("peak_memory_bytes"),
        started_at=datetime.fromisoformat(report["started_at"]),
        ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        node=report["node"],
        network=Network(network) if network else None,
        file_system=FileSystem(file_system) if file_system else None,
    )
