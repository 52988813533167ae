"""Where a run is carried out, as its lifecycle sees it: on this machine, or in a cluster.

Who fetches the images and stores the outputs differs: here the worker does, in a cluster the run's own Job. Every verb
returns soon and may be repeated, late, and by two workers at once.
"""

from __future__ import annotations

from typing import Protocol

from apps.integrations.executors.port import Limits, LogChunk, Observation
from apps.jobs.gate_report import GateReport
from apps.jobs.models import Run
from apps.jobs.reasons import Reason


class NotYet(Exception):
    """Time does it: the message is a sentence for the run's page, empty when there is nothing to explain."""


class _Ends(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.sentence)
        self.reason = reason


class RunFails(_Ends):
    """The run is over without outputs."""


class RunBroke(_Ends):
    """Nobody can say how the attempt ended; the next one may do better."""


def limits_of(run: Run) -> Limits:
    return Limits(memory_bytes=run.algorithm.memory_bytes, timeout_seconds=run.algorithm.timeout_seconds)


class Place(Protocol):
    """All verbs raise NotYet, RunFails and RunBroke."""

    def stage(self, run: Run) -> None:
        """When this returns, the algorithm finds the images as they were frozen with the run."""

    def start(self, run: Run) -> Observation:
        """How the algorithm has begun."""

    def observe(self, run: Run) -> Observation:
        """How the algorithm stands now; what it said meanwhile is in `log`."""

    def check(self, run: Run) -> GateReport:
        """What the gate finds in the outputs of an algorithm that ended well."""

    def store(self, run: Run, report: GateReport) -> None:
        """When this returns, the archive and its index have all that the gate let pass."""

    def stop(self, run: Run) -> None:
        """When this returns, nothing of the run goes on; what it was doing is lost."""

    def log(self, name: str, offset: int) -> LogChunk:
        """What is kept here of an attempt's log, from byte `offset` on; asks nothing remote."""

    def clean(self, run: Run) -> None:
        """Remove all that was made for any attempt of a run that is over."""
