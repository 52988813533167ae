"""The port of everything that can run an algorithm: four verbs, none of which waits for the algorithm.

A run is known by its name alone, so that a worker that was killed finds it again. Starting, stopping and observing may
each be repeated, late, and by two workers at once.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

LOG_CHUNK_BYTES = 64 * 1024
Spec_contra = TypeVar("Spec_contra", contravariant=True)


@dataclass(frozen=True)
class Limits:
    """What a run may use. `output_bytes` counts output, HOME and TMPDIR together; `cpus` sizes thread pools."""

    memory_bytes: int
    timeout_seconds: float
    pids: int = 128
    output_bytes: int = 4 * 1024**3
    log_bytes: int = 4 * 1024**2
    cpus: int = 1


@dataclass(frozen=True)
class RunSpec:
    """One attempt to run an algorithm on this machine.

    Its name, `run-<id>-<attempt>`, says which, so that it can be found again.
    """

    name: str
    command: tuple[str, ...]
    working_directory: Path
    """Where the command starts, and the program's own files, which it may read."""
    input_directory: Path
    output_directory: Path
    limits: Limits


class State(StrEnum):
    """Where a run stands in its executor. `LOST`: it had started, and nobody is left to say how it ended."""

    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"


class EndedBy(StrEnum):
    """Why the executor ended a run. A run that ended by itself has none of these, only its exit code."""

    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIMEOUT = "TIMEOUT"
    STOPPED = "STOPPED"
    PLATFORM_STOPPED = "PLATFORM_STOPPED"
    TOO_MANY_PROCESSES = "TOO_MANY_PROCESSES"
    OUTPUT_TOO_LARGE = "OUTPUT_TOO_LARGE"
    START_FAILED = "START_FAILED"
    EVICTED = "EVICTED"


class Network(StrEnum):
    """Which network the run had: `SHARED` where the system refused to take it away, `ARCHIVE_ONLY` in a pod."""

    ISOLATED = "isolated"
    ARCHIVE_ONLY = "archive"
    SHARED = "shared"


class FileSystem(StrEnum):
    """Whether the run could reach only its own folders: `OPEN` where the system has no means to confine it."""

    CONFINED = "confined"
    OPEN = "open"


@dataclass(frozen=True)
class Observation:
    """A run as it stands now. Only an `EXITED` run has an end; a signal's exit code is 128 + its number."""

    state: State
    exit_code: int | None = None
    ended_by: EndedBy | None = None
    peak_memory_bytes: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    node: str = ""
    network: Network | None = None
    file_system: FileSystem | None = None
    detail: str = ""
    """What the system said of a run that could not be started."""

    @property
    def is_active(self) -> bool:
        return self.state in (State.STARTING, State.RUNNING)


@dataclass(frozen=True)
class LogChunk:
    """A piece of a run's log and where the next one begins (in bytes); text that is not UTF-8 is replaced."""

    text: str
    next_offset: int


class RunStillActive(Exception):
    """The run has not ended, so its traces cannot be removed."""


class Executor(Protocol[Spec_contra]):
    """Runs algorithms, Every verb returns at once; `observe` is called again and again until the run has ended."""

    def start(self, run: Spec_contra) -> None:
        """Begin the run unless it has begun before, whatever became of it since."""
        ...

    def observe(self, name: str) -> Observation:
        """How the run of that name stands; `ABSENT` if it never began or was removed."""
        ...

    def stop(self, name: str, *, ended_by: EndedBy = EndedBy.STOPPED) -> None:
        """Ask the run to end, first politely, then by force; a run that has ended or never began is left as it is."""
        ...

    def log(self, name: str, offset: int = 0) -> LogChunk:
        """The log from byte `offset` on, at most `LOG_CHUNK_BYTES` of it; empty at its present end."""
        ...

    def remove(self, name: str) -> None:
        """Forget a run that has ended, its log and scratch included; refuses (`RunStillActive`) one that has not."""
        ...


def decode_chunk(raw: bytes, offset: int) -> LogChunk:
    """UTF-8 text of `raw`, which begins at `offset`; a character cut off at its end is left for the next chunk."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(raw)
    left_over, _ = decoder.getstate()
    return LogChunk(text, offset + len(raw) - len(left_over))
