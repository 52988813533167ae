"""The executor's twin in memory: the same verbs and states, no process; what a command does is told beforehand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.integrations.executors.port import (
    LOG_CHUNK_BYTES,
    EndedBy,
    FileSystem,
    LogChunk,
    Network,
    Observation,
    RunSpec,
    RunStillActive,
    State,
    decode_chunk,
)

NODE = "memory"


@dataclass(frozen=True)
class Behaviour:
    """What a command does: its log, duration, memory, exit code; `produce` writes its output at the end."""

    log: bytes = b""
    seconds: float = 0.0
    memory_bytes: int = 0
    exit_code: int = 0
    produce: Callable[[RunSpec], None] | None = None


@dataclass
class _Run:
    run: RunSpec
    behaviour: Behaviour
    started: float
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    end: Observation | None = None
    is_lost: bool = False


class MemoryExecutor:
    """The port's side for tests: `behaviours` by the command's first word; without one it cannot be started."""

    def __init__(self, behaviours: Mapping[str, Behaviour], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.behaviours = behaviours
        self._clock = clock
        self._runs: dict[str, _Run] = {}

    def start(self, run: RunSpec) -> None:
        """See `Executor.start`."""
        if run.name in self._runs:
            return
        behaviour = self.behaviours.get(run.command[0])
        entry = _Run(run, behaviour or Behaviour(log=b"The algorithm could not be started\n"), self._clock())
        if behaviour is None:
            self._finish(entry, exit_code=127, ended_by=EndedBy.START_FAILED)
        self._runs[run.name] = entry

    def observe(self, name: str) -> Observation:
        """See `Executor.observe`. Time passes only here: a run that would have ended by now ends in this call."""
        entry = self._runs.get(name)
        if entry is None:
            return Observation(State.ABSENT)
        if entry.is_lost:
            return self._observation(entry, State.LOST)
        if entry.end is None:
            self._let_time_pass(entry)
        return entry.end or self._observation(entry, State.RUNNING)

    def stop(self, name: str, *, ended_by: EndedBy = EndedBy.STOPPED) -> None:
        """See `Executor.stop`."""
        if self.observe(name).state is State.RUNNING:
            self._finish(self._runs[name], exit_code=143, ended_by=ended_by)

    def log(self, name: str, offset: int = 0) -> LogChunk:
        """See `Executor.log`."""
        if name not in self._runs:
            return LogChunk("", offset)
        return decode_chunk(self._runs[name].behaviour.log[offset : offset + LOG_CHUNK_BYTES], offset)

    def remove(self, name: str) -> None:
        """See `Executor.remove`."""
        if self.observe(name).state is State.RUNNING:
            raise RunStillActive(name)
        self._runs.pop(name, None)

    def lose(self, name: str) -> None:
        """Let the run vanish as if its node had died."""
        self._runs[name].is_lost = True

    def _let_time_pass(self, entry: _Run) -> None:
        limits, behaviour = entry.run.limits, entry.behaviour
        passed = self._clock() - entry.started
        if behaviour.memory_bytes > limits.memory_bytes:
            self._finish(entry, exit_code=137, ended_by=EndedBy.OUT_OF_MEMORY)
        elif passed >= limits.timeout_seconds < behaviour.seconds:
            self._finish(entry, exit_code=143, ended_by=EndedBy.TIMEOUT)
        elif passed >= behaviour.seconds:
            if behaviour.produce:
                behaviour.produce(entry.run)
            self._finish(entry, exit_code=behaviour.exit_code, ended_by=None)

    def _finish(self, entry: _Run, *, exit_code: int, ended_by: EndedBy | None) -> None:
        entry.end = self._observation(entry, State.EXITED, exit_code=exit_code, ended_by=ended_by)

    def _observation(
        self, entry: _Run, state: State, *, exit_code: int | None = None, ended_by: EndedBy | None = None
    ) -> Observation:
        return Observation(
            state=state,
            exit_code=exit_code,
            ended_by=ended_by,
            peak_memory_bytes=entry.behaviour.memory_bytes if state is State.EXITED else None,
            started_at=entry.started_at,
            ended_at=datetime.now(UTC) if state is State.EXITED else None,
            node=NODE,
            network=Network.ISOLATED,
            file_system=FileSystem.CONFINED,
        )


FOREVER = Behaviour(seconds=math.inf)
