"""One suite for every side of the executor port: what a caller may rely on, whoever runs the algorithm."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from apps.integrations.executors.memory import FOREVER, Behaviour, MemoryExecutor
from apps.integrations.executors.port import EndedBy, Executor, Observation, RunStillActive, State
from apps.integrations.executors.process import ProcessExecutor
from apps.integrations.executors.rundir import read_report
from tests.integrations.runs import MIB, end_of, log_of, python, run_spec
from tests.waiting import wait_until

pytestmark = pytest.mark.contract

LINE, LINES = "PROGRESS 0.50 Häuser\n", 10_000
GREETING = LINE * LINES

REAL_PROGRAMS = {
    "greets": python(f"print({LINE!r} * {LINES}, end='')"),
    "fails": python("raise SystemExit(3)"),
    "waits": python("import time; time.sleep(600)"),
    "hoards": python("x = bytearray(400 * 2**20); import time; time.sleep(600)"),
    "missing": ("/no/such/program",),
}
TWIN_PROGRAMS = {
    "greets": Behaviour(log=GREETING.encode()),
    "fails": Behaviour(exit_code=3),
    "waits": FOREVER,
    "hoards": Behaviour(memory_bytes=400 * MIB),
}


class Starts(Protocol):
    def __call__(self, program: str, *, name: str = "run-1-1", **limits: float) -> None: ...


@dataclass
class Side:
    """One executor, how it is told to run each program, and how one of its runs is made to vanish."""

    executor: Executor[Any]
    start: Starts
    lose: Callable[[str], None]
    patience_seconds: float = 40
    is_memory_measured: bool = True

    def end(self, name: str = "run-1-1") -> Observation:
        return end_of(self.executor, name, timeout_seconds=self.patience_seconds)

    def wait_until_running(self, name: str = "run-1-1") -> None:
        wait_until(lambda: self.executor.observe(name).state is State.RUNNING, self.patience_seconds)


def process_side(directory: Path) -> Iterator[Side]:
    executor = ProcessExecutor(directory / "runs")

    def start(program: str, *, name: str = "run-1-1", **limits: float) -> None:
        executor.start(run_spec(directory / name, REAL_PROGRAMS[program], name=name, **limits))

    def kill_launcher(name: str) -> None:
        started = read_report(executor.root / name / "started.json")
        assert started
        os.kill(started["pid"], signal.SIGKILL)

    yield Side(executor, start, kill_launcher)
    assert executor.stop_all() == []
    for run in executor.root.glob("run-*"):
        executor.remove(run.name)


def memory_side(directory: Path) -> Iterator[Side]:
    executor = MemoryExecutor(TWIN_PROGRAMS)

    def start(program: str, *, name: str = "run-1-1", **limits: float) -> None:
        executor.start(run_spec(directory, (program,), name=name, **limits))

    yield Side(executor, start, executor.lose)


@pytest.fixture(params=[process_side, memory_side], ids=["process", "memory"])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Side]:
    yield from request.param(tmp_path)


def test_a_run_that_never_began_is_absent(side: Side) -> None:
    assert side.executor.observe("run-1-1").state is State.ABSENT
    assert side.executor.log("run-1-1").text == ""
    side.executor.stop("run-1-1")
    side.executor.remove("run-1-1")
    assert side.executor.observe("run-1-1").state is State.ABSENT


def test_a_run_ends_by_itself(side: Side) -> None:
    side.start("greets")
    ended = side.end()
    assert (ended.state, ended.exit_code, ended.ended_by) == (State.EXITED, 0, None)
    assert ended.started_at
    assert ended.ended_at
    assert ended.started_at <= ended.ended_at
    assert ended.node
    assert ended.network
    assert ended.file_system
    assert (ended.peak_memory_bytes is not None) is side.is_memory_measured


def test_the_log_comes_in_chunks_that_cut_no_character(side: Side) -> None:
    side.start("greets")
    side.end()
    assert log_of(side.executor) == GREETING
    assert len(side.executor.log("run-1-1").text.encode()) <= 64 * 1024
    for offset in range(10, 30):
        assert side.executor.log("run-1-1", offset).next_offset > offset
    end = len(GREETING.encode())
    assert side.executor.log("run-1-1", end) == side.executor.log("run-1-1", end)
    assert side.executor.log("run-1-1", end).next_offset == end


def test_an_exit_code_is_the_algorithms_own(side: Side) -> None:
    side.start("fails")
    ended = side.end()
    assert (ended.exit_code, ended.ended_by) == (3, None)


def test_a_program_that_is_not_there_cannot_be_started(side: Side) -> None:
    side.start("missing")
    ended = side.end()
    assert ended.ended_by is EndedBy.START_FAILED
    assert "could not be started" in log_of(side.executor)


def test_too_much_memory_ends_a_run(side: Side) -> None:
    side.start("hoards")
    assert side.end().ended_by is EndedBy.OUT_OF_MEMORY


def test_too_much_time_ends_a_run(side: Side) -> None:
    side.start("waits", timeout_seconds=0.5)
    assert side.end().ended_by is EndedBy.TIMEOUT


@pytest.mark.parametrize("reason", [EndedBy.STOPPED, EndedBy.PLATFORM_STOPPED])
def test_a_stopped_run_says_by_whom_and_may_be_stopped_twice(side: Side, reason: EndedBy) -> None:
    side.start("waits")
    side.wait_until_running()
    side.executor.stop("run-1-1", ended_by=reason)
    side.executor.stop("run-1-1", ended_by=reason)
    assert side.end().ended_by is reason
    side.executor.stop("run-1-1", ended_by=EndedBy.STOPPED)
    assert side.executor.observe("run-1-1").ended_by is reason


def test_a_second_start_changes_nothing(side: Side) -> None:
    side.start("waits")
    side.wait_until_running()
    began_at = side.executor.observe("run-1-1").started_at
    side.start("waits")
    side.executor.stop("run-1-1")
    assert side.end().started_at == began_at
    side.start("waits")
    assert side.executor.observe("run-1-1").state is State.EXITED


def test_a_lost_run_is_told_and_never_begun_again(side: Side) -> None:
    side.start("waits")
    side.wait_until_running()
    side.lose("run-1-1")
    assert side.end().state is State.LOST
    side.start("waits")
    assert side.executor.observe("run-1-1").state is State.LOST


def test_an_ended_run_can_be_removed_but_not_an_active_one(side: Side) -> None:
    side.start("waits")
    with pytest.raises(RunStillActive):
        side.executor.remove("run-1-1")
    side.executor.stop("run-1-1")
    side.end()
    side.executor.remove("run-1-1")
    assert side.executor.observe("run-1-1").state is State.ABSENT


def test_runs_do_not_see_each_other(side: Side) -> None:
    side.start("waits")
    side.start("fails", name="run-2-1")
    assert side.end("run-2-1").exit_code == 3
    side.wait_until_running()
    side.executor.stop("run-1-1")
    side.end()
