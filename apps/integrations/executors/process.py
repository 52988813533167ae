"""Runs on this machine, each a detached process tree under a launcher that outlives the worker which began it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from apps.integrations.executors.cgroup import remove_groups
from apps.integrations.executors.port import (
    LOG_CHUNK_BYTES,
    EndedBy,
    LogChunk,
    Observation,
    RunSpec,
    RunStillActive,
    State,
    decode_chunk,
)
from apps.integrations.executors.rundir import RunDirectory, encode_request, observation, read_report, write_whole

NAME = re.compile(r"run-[0-9a-f-]{1,64}-[0-9]{1,6}")
REPOSITORY = Path(__file__).resolve().parents[3]
LAUNCHER_START_SECONDS = 30
"""A launcher without its lock by then is taken for dead before it began, and the run may be started again."""


class ProcessExecutor:
    """The port's side for one machine: a folder per run below `root`, which must be on a local disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def start(self, run: RunSpec) -> None:
        """See `Executor.start`.

        Of two launchers one gets the lock and the other leaves, so that two starts make one run.
        """
        directory = self._directory(run.name)
        directory.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if directory.exit.exists() or directory.started.exists() or directory.is_locked():
            return
        write_whole(directory.request, encode_request(run))
        self._spawn(directory)

    def observe(self, name: str) -> Observation:
        """See `Executor.observe`."""
        directory = self._directory(name)
        # Before the reports: a launcher writes its last report and then lets go, so this order cannot call it lost.
        is_alive = directory.is_locked()
        if report := read_report(directory.exit):
            return observation(State.EXITED, report)
        if report := read_report(directory.started):
            return observation(State.RUNNING if is_alive else State.LOST, report)
        return Observation(State.STARTING if is_alive or _is_fresh(directory.request) else State.ABSENT)

    def stop(self, name: str, *, ended_by: EndedBy = EndedBy.STOPPED) -> None:
        """See `Executor.stop`. The launcher finds the wish within a moment; the first wish is the reason."""
        directory = self._directory(name)
        if directory.request.exists() and not directory.stop.exists():
            write_whole(directory.stop, ended_by)

    def log(self, name: str, offset: int = 0) -> LogChunk:
        """See `Executor.log`."""
        try:
            with self._directory(name).log.open("rb") as file:
                file.seek(offset)
                return decode_chunk(file.read(LOG_CHUNK_BYTES), offset)
        except FileNotFoundError:
            return LogChunk("", offset)

    def remove(self, name: str) -> None:
        """See `Executor.remove`."""
        if self.observe(name).state in (State.STARTING, State.RUNNING):
            raise RunStillActive(name)
        remove_groups(name)
        shutil.rmtree(self._directory(name).path, ignore_errors=True)

    def stop_all(self, *, timeout_seconds: float = 15) -> list[str]:
        """Stop every run because the platform stops, and wait; the names of those that still run after the timeout."""
        active = [path.name for path in self._run_paths() if self._is_active(path.name)]
        for name in active:
            self.stop(name, ended_by=EndedBy.PLATFORM_STOPPED)
        deadline = time.monotonic() + timeout_seconds
        while active and time.monotonic() < deadline:
            time.sleep(0.05)
            active = [name for name in active if self._is_active(name)]
        return active

    def _spawn(self, directory: RunDirectory) -> None:
        # Nothing of this process goes along: neither its environment, which holds secrets, nor its files, nor its
        # terminal.
        process = subprocess.Popen(
            [sys.executable, "-m", "apps.integrations.executors.launcher", str(directory.path)],
            cwd=REPOSITORY,
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )
        # The first child leaves at once and the launcher is nobody's child here, so no worker collects zombies.
        process.wait()

    def _directory(self, name: str) -> RunDirectory:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a run")
        return RunDirectory(self.root / name)

    def _run_paths(self) -> list[Path]:
        return [path for path in self.root.glob("run-*") if NAME.fullmatch(path.name)]

    def _is_active(self, name: str) -> bool:
        return self.observe(name).state in (State.STARTING, State.RUNNING)


def _is_fresh(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < LAUNCHER_START_SECONDS
    except FileNotFoundError:
        return False
