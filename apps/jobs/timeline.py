"""The steps of a run as the timeline draws them: what is done, how long it took, what is to come."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core.models import StateEvent
from apps.core.templatetags.ui import duration, in_bytes
from apps.integrations.executors.port import FileSystem, Network
from apps.jobs.badges import ahead_sentence
from apps.jobs.models import Run
from apps.jobs.reasons import word_of

Status = Run.Status


@dataclass(frozen=True)
class Line:
    """One step; `kind` is done, now, failed or next."""

    kind: str
    title: str
    sentence: str
    time_text: str


@dataclass(frozen=True)
class Step:
    """A state on the way to success, in words for before, during and after it."""

    status: Run.Status
    to_come: str
    now: str
    done: str
    failed: str


STEPS = (
    Step(Status.QUEUED, "Queue", "Waiting for a place", "Queued", "Not begun"),
    Step(Status.STAGING, "Images fetched", "Fetching images", "Images fetched", "Images not fetched"),
    Step(Status.STARTING, "Algorithm started", "Starting the algorithm", "Algorithm started", "Algorithm not started"),
    Step(Status.RUNNING, "Algorithm ended", "The algorithm runs", "Algorithm ended", "Algorithm stopped"),
    Step(
        Status.COLLECTING,
        "Outputs checked and stored",
        "Checking and storing outputs",
        "Outputs checked and stored",
        "Outputs not stored",
    ),
)


def timeline(run: Run, events: Iterable[StateEvent], *, now: datetime, ahead: int = 0) -> list[Line]:
    """The steps of the present attempt; `events` are all moves of the run, oldest first."""
    entered: dict[str, datetime] = {Status.QUEUED: run.created_at}
    left: dict[str, datetime] = {}
    stopped_in = ""
    for event in events:
        if event.to_status == Status.STAGING:  # a further attempt begins anew here
            left = {status: at for status, at in left.items() if status == Status.QUEUED}
        entered[event.to_status] = left[event.from_status] = event.at
        if event.to_status in (Status.FAILED, Status.CANCELLING):
            stopped_in = event.from_status
    return list(_lines(run, entered, left, stopped_in, now, ahead))


def _lines(
    run: Run,
    entered: dict[str, datetime],
    left: dict[str, datetime],
    stopped_in: str,
    now: datetime,
    ahead: int,
) -> Iterator[Line]:
    for step in STEPS:
        spent = left.get(step.status, now) - entered.get(step.status, now)
        if step.status == stopped_in:
            yield _stopped(run, step, spent)
        elif step.status in left:
            yield Line("done", step.done, _fact(run, step.status), duration(spent))
        elif step.status == run.status:
            yield Line("now", step.now, _news(run, ahead), duration(spent))
        else:
            yield Line("next", step.to_come, "", "")


def _stopped(run: Run, step: Step, spent: timedelta) -> Line:
    if run.status == Status.FAILED:
        return Line("failed", step.failed, word_of(run.reason_code), duration(spent))
    if run.status == Status.CANCELLED:
        return Line("next", step.failed, "Cancelled", duration(spent))
    return Line("now", step.now, "Being cancelled", duration(spent))


def _fact(run: Run, status: str) -> str:
    match status:
        case Status.STAGING:
            return f"{run.input_count} files, {in_bytes(run.input_bytes)}, hashes match"
        case Status.STARTING:
            facts = (f"On {run.node}", f"attempt {run.attempt}" if run.attempt > 1 else "", _lock(run))
            return ", ".join(fact for fact in facts if fact)
        case Status.RUNNING:
            return f"Used {in_bytes(run.peak_memory_bytes)} of memory at most" if run.peak_memory_bytes else ""
        case _:
            return ""


def _news(run: Run, ahead: int) -> str:
    """What there is to say of the step that is under way."""
    if run.status == Status.QUEUED:
        return ahead_sentence(ahead)
    return run.waiting or (run.progress_text if run.status == Status.RUNNING else "")


def _lock(run: Run) -> str:
    """What of the lock-in could not be given; nothing when all is as promised."""
    missing = []
    if run.network == Network.ARCHIVE_ONLY:
        missing.append("its network reaches the archive, without a password")
    if run.network == Network.SHARED:
        missing.append("the network could not be taken away")
    if run.file_system == FileSystem.OPEN:
        missing.append("files could not be closed off")
    return ", ".join(missing)
