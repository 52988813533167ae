"""One suite for every side of the executor port: what a caller may rely on, whoever runs the algorithm."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.integrations.executors.memory import FOREVER, Behaviour, MemoryExecutor
from apps.integrations.executors.port import EndedBy, Executor, RunStillActive, State
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


@dataclass
class Side:
    """One executor, how it is told to run each program, and how one of its runs is made to vanish."""

    executor: Executor
    command: Callable[[str], tuple[str, ...]]
    lose: Callable[[str], None]


def process_side(directory: Path) -> Iterator[Side]:
    executor = ProcessExecutor(directory / "runs")

    def kill_launcher(name: str) -> None:
        started = read_report(executor.root / name / "started.json")
        assert started
        os.kill(started["pid"], signal.SIGKILL)

    yield Side(executor, REAL_PROGRAMS.__getitem__, kill_launcher)
    assert executor.stop_all() == []
    for run in executor.root.glob("run-*"):
        executor.remove(run.name)


def memory_side(_: Path) -> Iterator[Side]:
    executor = MemoryExecutor(TWIN_PROGRAMS)
    yield Side(executor, lambda program: (program,), executor.lose)


@pytest.fixture(params=[process_side, memory_side], ids=["process", "memory"])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Side]:
    yield from request.param(tmp_path)


def test_a_run_that_never_began_is_absent(side: Side) -> None:
    assert side.executor.observe("run-1-1").state is State.ABSENT
    assert side.executor.log("run-1-1").text == ""
    side.executor.stop("run-1-1")
    side.executor.remove("run-1-1")
    assert side.executor.observe("run-1-1").state is State.ABSENT


def test_a_run_ends_by_itself(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path, side.command("greets")))
    ended = end_of(side.executor)
    assert (ended.state, ended.exit_code, ended.ended_by) == (State.EXITED, 0, None)
    assert ended.started_at
    assert ended.ended_at
    assert ended.started_at <= ended.ended_at
    assert ended.node
    assert ended.network
    assert ended.file_system
    assert ended.peak_memory_bytes is not None


def test_the_log_comes_in_chunks_that_cut_no_character(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path, side.command("greets")))
    end_of(side.executor)
    assert log_of(side.executor) == GREETING
    assert len(side.executor.log("run-1-1").text.encode()) <= 64 * 1024
    for offset in range(10, 30):
        assert side.executor.log("run-1-1", offset).next_offset > offset
    end = len(GREETING.encode())
    assert side.executor.log("run-1-1", end) == side.executor.log("run-1-1", end)
    assert side.executor.log("run-1-1", end).next_offset == end


def test_an_exit_code_is_the_algorithms_own(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path, side.command("fails")))
    ended = end_of(side.executor)
    assert (ended.exit_code, ended.ended_by) == (3, None)


def test_a_program_that_is_not_there_cannot_be_started(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path, side.command("missing")))
    ended = end_of(side.executor)
    assert ended.ended_by is EndedBy.START_FAILED
    assert "could not be started" in log_of(side.executor)


def test_too_much_memory_ends_a_run(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path, side.command("hoards")))
    assert end_of(side.executor).ended_by is EndedBy.OUT_OF_MEMORY


def test_too_much_time_ends_a_run(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path, side.command("waits"), timeout_seconds=0.5))
    assert end_of(side.executor).ended_by is EndedBy.TIMEOUT


@pytest.mark.parametrize("reason", [EndedBy.STOPPED, EndedBy.PLATFORM_STOPPED])
def test_a_stopped_run_says_by_whom_and_may_be_stopped_twice(side: Side, tmp_path: Path, reason: EndedBy) -> None:
    side.executor.start(run_spec(tmp_path, side.command("waits")))
    wait_until(lambda: side.executor.observe("run-1-1").state is State.RUNNING, 10)
    side.executor.stop("run-1-1", ended_by=reason)
    side.executor.stop("run-1-1", ended_by=reason)
    assert end_of(side.executor).ended_by is reason
    side.executor.stop("run-1-1", ended_by=EndedBy.STOPPED)
    assert side.executor.observe("run-1-1").ended_by is reason


def test_a_second_start_changes_nothing(side: Side, tmp_path: Path) -> None:
    spec = run_spec(tmp_path, side.command("waits"))
    side.executor.start(spec)
    wait_until(lambda: side.executor.observe("run-1-1").state is State.RUNNING, 10)
    began_at = side.executor.observe("run-1-1").started_at
    side.executor.start(spec)
    side.executor.stop("run-1-1")
    assert end_of(side.executor).started_at == began_at
    side.executor.start(spec)
    assert side.executor.observe("run-1-1").state is State.EXITED


def test_a_lost_run_is_told_and_never_begun_again(side: Side, tmp_path: Path) -> None:
    spec = run_spec(tmp_path, side.command("waits"))
    side.executor.start(spec)
    wait_until(lambda: side.executor.observe("run-1-1").state is State.RUNNING, 10)
    side.lose("run-1-1")
    assert end_of(side.executor).state is State.LOST
    side.executor.start(spec)
    assert side.executor.observe("run-1-1").state is State.LOST


def test_an_ended_run_can_be_removed_but_not_an_active_one(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path, side.command("waits")))
    with pytest.raises(RunStillActive):
        side.executor.remove("run-1-1")
    side.executor.stop("run-1-1")
    end_of(side.executor)
    side.executor.remove("run-1-1")
    assert side.executor.observe("run-1-1").state is State.ABSENT


def test_runs_do_not_see_each_other(side: Side, tmp_path: Path) -> None:
    side.executor.start(run_spec(tmp_path / "1", side.command("waits")))
    side.executor.start(run_spec(tmp_path / "2", side.command("fails"), name="run-2-1"))
    assert end_of(side.executor, "run-2-1").exit_code == 3
    wait_until(lambda: side.executor.observe("run-1-1").state is State.RUNNING, 10)
    side.executor.stop("run-1-1")
    end_of(side.executor)
