"""Runs for the tests of executors: a spec with its folders, and waiting for its end."""

from __future__ import annotations

import sys
from pathlib import Path

from apps.integrations.executors.port import Executor, Limits, Observation, RunSpec, State
from tests.waiting import wait_until

MIB = 1024**2


def run_spec(directory: Path, command: tuple[str, ...], *, name: str = "run-1-1", **limits: float) -> RunSpec:
    """A run of `command` with folders below `directory`, 256 MiB and 30 s unless told otherwise."""
    folders = directory / "program", directory / "in", directory / "out"
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    allowed = {"memory_bytes": 256 * MIB, "timeout_seconds": 30, "pids": 64} | limits
    return RunSpec(name, command, *folders, Limits(**allowed))


def python(code: str) -> tuple[str, ...]:
    """A command that runs Python code."""
    return (sys.executable, "-c", code)


def end_of(executor: Executor, name: str = "run-1-1", *, timeout_seconds: float = 40) -> Observation:
    """How the run ended, once it has."""
    wait_until(lambda: executor.observe(name).state in (State.EXITED, State.LOST), timeout_seconds)
    return executor.observe(name)


def log_of(executor: Executor, name: str = "run-1-1") -> str:
    """The whole log, put together from its chunks."""
    text, offset = "", 0
    while (chunk := executor.log(name, offset)).text:
        text, offset = text + chunk.text, chunk.next_offset
    return text
