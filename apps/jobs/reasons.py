"""Why a run failed: a code for programs, and for people a word, a sentence and what to do next."""

from enum import StrEnum
from typing import NamedTuple

from apps.core.units import GIB
from apps.integrations.executors.port import EndedBy, Limits, Observation


class ReasonCode(StrEnum):
    """The codes that do not carry a number; an algorithm that ends with exit code n is `EXIT_n`."""

    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIMEOUT = "TIMEOUT"
    IMAGE_PULL = "IMAGE_PULL"
    NO_GPU = "NO_GPU"
    NO_ROOM = "NO_ROOM"
    NO_OUTPUT = "NO_OUTPUT"
    INVALID_OUTPUT = "INVALID_OUTPUT"
    STORE_FAILED = "STORE_FAILED"
    EVICTED = "EVICTED"
    LOST = "LOST"


class Reason(NamedTuple):
    code: str
    sentence: str


WORDS: dict[str, str] = {
    ReasonCode.OUT_OF_MEMORY: "Out of memory",
    ReasonCode.TIMEOUT: "Out of time",
    ReasonCode.IMAGE_PULL: "Algorithm not available",
    ReasonCode.NO_GPU: "No GPU",
    ReasonCode.NO_ROOM: "No room",
    ReasonCode.NO_OUTPUT: "No output",
    ReasonCode.INVALID_OUTPUT: "Output refused",
    ReasonCode.STORE_FAILED: "Archive failed",
    ReasonCode.EVICTED: "Stopped by the platform",
    ReasonCode.LOST: "Lost",
}
NEXT_STEPS: dict[str, str] = {
    ReasonCode.OUT_OF_MEMORY: "Choose a smaller series, or ask the algorithm's author for a version that needs less.",
    ReasonCode.TIMEOUT: "Choose a smaller series, or ask the algorithm's author for a version that is faster.",
    ReasonCode.IMAGE_PULL: "Run it again: that takes the algorithm as it is now.",
    ReasonCode.NO_GPU: "Run it again later, or choose an algorithm that runs without a GPU.",
    ReasonCode.NO_ROOM: "Run it again later; what fills the cluster or the project's quota has to end first.",
    ReasonCode.NO_OUTPUT: "Look at the log for what the algorithm found in this series.",
    ReasonCode.INVALID_OUTPUT: "This is for the algorithm's author to mend; the list below says what to.",
    ReasonCode.STORE_FAILED: "Run it again; if that fails too, tell an administrator the number of this run.",
    ReasonCode.EVICTED: "Run it again.",
    ReasonCode.LOST: "Run it again; if that fails too, tell an administrator the number of this run.",
}
EXIT_NEXT_STEP = "The log says more; run it again on another series, or tell the algorithm's author."


def word_of(code: str) -> str:
    """The badge's word."""
    return WORDS.get(code) or f"Ended with code {code.removeprefix('EXIT_')}"


def next_step_of(code: str) -> str:
    return NEXT_STEPS.get(code, EXIT_NEXT_STEP)


def reason_of(end: Observation, limits: Limits, *, last_words: str) -> Reason | None:
    """Why a run that exited has failed; None if it ended well.

    `last_words` is what its log ends with.
    """
    if end.ended_by is not None:
        return _ended_by_executor(end.ended_by, limits, end.detail)
    if end.exit_code == 0:
        return None
    said = f" Its last words: “{last_words}”" if last_words else " It said nothing."
    return Reason(f"EXIT_{end.exit_code}", f"The algorithm ended with exit code {end.exit_code}.{said}")


def _ended_by_executor(ended_by: EndedBy, limits: Limits, detail: str) -> Reason:
    memory, minutes = limits.memory_bytes / GIB, limits.timeout_seconds / 60
    reasons = {
        EndedBy.OUT_OF_MEMORY: Reason(
            ReasonCode.OUT_OF_MEMORY,
            f"The algorithm needed more memory than the {memory:g} GiB that it was given, and was stopped.",
        ),
        EndedBy.TIMEOUT: Reason(
            ReasonCode.TIMEOUT,
            f"The algorithm was not done after the {minutes:g} minutes that it has, and was stopped.",
        ),
        EndedBy.TOO_MANY_PROCESSES: Reason(
            "EXIT_137", f"The algorithm started more than {limits.pids} processes and threads, and was stopped."
        ),
        EndedBy.OUTPUT_TOO_LARGE: Reason(
            ReasonCode.INVALID_OUTPUT,
            f"The algorithm wrote more than {limits.output_bytes / GIB:g} GiB, and was stopped.",
        ),
        EndedBy.START_FAILED: Reason(
            ReasonCode.IMAGE_PULL,
            f"The algorithm could not be started: {detail or 'the log says why.'}",
        ),
        EndedBy.EVICTED: Reason(
            ReasonCode.EVICTED, "The cluster needed the room of the run for something else, and stopped it."
        ),
    }
    return reasons.get(ended_by) or Reason("EXIT_143", "The algorithm was stopped from outside.")
