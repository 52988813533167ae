"""What is to be done with a run in each of its states. Every step may be done twice, late, or be killed in its middle:
its effect comes first and can be repeated, the move to the next state comes last.

A step answers whether it moved the run, so that the next one is due at once.
"""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.core.doorbell import ring
from apps.core.state import IllegalTransition
from apps.integrations.executors.port import EndedBy, Observation, State
from apps.jobs.claims import Claim, ClaimLost, hold
from apps.jobs.execution import keep_log, note_progress, place_of, whole_log
from apps.jobs.gate_report import GateReport
from apps.jobs.models import Run
from apps.jobs.outputs import record_outputs, refusal
from apps.jobs.place import NotYet, RunBroke, RunFails, limits_of
from apps.jobs.progress import last_words
from apps.jobs.reasons import Reason, ReasonCode, reason_of

log = structlog.get_logger(__name__)

ATTEMPTS = 3
STEP_FAILURES = 5
"""So often a step may end in something unexpected, each time a claim's time apart, before the run is given up."""
Status = Run.Status
Step = Callable[[Run, Claim], bool]


def advance(run: Run) -> None:
    """Does all that can be done now. Returns at once when another worker is at it."""
    with hold(run) as claim:
        if claim is None:
            return
        try:
            while _next_step(run, claim):
                continue
        except ClaimLost:
            log.warning("run was taken over", run=run.pk)


def observe(run: Run) -> bool:
    """Notes the progress of a running run; whether something else is to be done for it."""
    if place_of(run).observe(run).state is not State.RUNNING:
        return True
    note_progress(run)
    return False


def _next_step(run: Run, claim: Claim) -> bool:
    run.refresh_from_db()
    try:
        return STEPS[Status(run.status)](run, claim)
    except IllegalTransition:
        return True  # a person cancelled it meanwhile
    except NotYet as waits:
        return _wait(run, claim, str(waits))
    except RunFails as failure:
        return _fail(run, claim, failure.reason)
    except RunBroke as failure:
        return _try_again(run, claim, failure.reason)
    except ClaimLost:
        raise
    except Exception:
        log.exception("step of a run failed", run=run.pk, status=run.status)
        return _note_failure(run, claim)


def _admit(run: Run, claim: Claim) -> bool:
    """Moves a queued run on if one of the places is free and no older run waits for it; a cluster has its own queue."""
    if run.cluster_id is not None:
        claim.move(run, Status.STAGING)
        return True
    with transaction.atomic():
        # Locked, so that two workers cannot both see the last free place.
        unfinished = Run.objects.select_for_update().filter(status__in=Run.UNFINISHED, cluster=None).order_by("pk")
        rows = list(unfinished.values_list("pk", "status"))
        queued = [pk for pk, status in rows if status == Status.QUEUED]
        free = settings.RUNS_AT_ONCE - (len(rows) - len(queued))
        if run.pk not in queued[: max(free, 0)]:
            return False
        claim.move(run, Status.STAGING)
    return True


def _stage(run: Run, claim: Claim) -> bool:
    place_of(run).stage(run)
    claim.move(run, Status.STARTING)
    return True


def _start(run: Run, claim: Claim) -> bool:
    seen = place_of(run).start(run)
    claim.move(
        run,
        Status.RUNNING,
        started_at=seen.started_at,
        node=seen.node,
        network=seen.network or "",
        file_system=seen.file_system or "",
    )
    return True


def _look(run: Run, claim: Claim) -> bool:
    seen = place_of(run).observe(run)
    note_progress(run)
    if seen.is_active:
        raise NotYet
    if seen.state is not State.EXITED:
        raise RunBroke(Reason(ReasonCode.LOST, "The machine lost the algorithm, three times in a row."))
    if seen.ended_by is EndedBy.PLATFORM_STOPPED:
        raise RunBroke(Reason(ReasonCode.EVICTED, "The platform was stopped three times meanwhile."))
    return _end_of_algorithm(run, claim, seen)


def _end_of_algorithm(run: Run, claim: Claim, seen: Observation) -> bool:
    said = "" if seen.ended_by or not seen.exit_code else last_words(whole_log(run))
    claim.write(run, ended_at=seen.ended_at, peak_memory_bytes=seen.peak_memory_bytes)
    if reason := reason_of(seen, limits_of(run), last_words=said):
        return _fail(run, claim, reason)
    claim.move(run, Status.COLLECTING)
    return True


def _collect(run: Run, claim: Claim) -> bool:
    report = _report(run, claim)
    if reason := refusal(report):
        return _fail(run, claim, reason)
    place_of(run).store(run, report)
    with transaction.atomic():
        claim.move(run, Status.SUCCEEDED)
        record_outputs(run, report)
        _ring_next()
    return True


def _report(run: Run, claim: Claim) -> GateReport:
    """What the gate found the first time: a repetition must not hold the run's own outputs against it."""
    if run.gate_report is not None:
        return GateReport.from_json(run.gate_report)
    report = place_of(run).check(run)
    claim.write(run, gate_report=report.as_json())
    return report


def _stop(run: Run, claim: Claim) -> bool:
    place_of(run).stop(run)
    with transaction.atomic():
        claim.move(run, Status.CANCELLED)
        _ring_next()
    return True


def _clean(run: Run, claim: Claim) -> bool:
    """Removes what all attempts of a run that is over have left; its log stays."""
    if run.cleaned_at is None:
        place_of(run).stop(run)
        keep_log(run)
        place_of(run).clean(run)
        claim.write(run, cleaned_at=timezone.now())
    return False


STEPS: dict[Run.Status, Step] = {
    Status.QUEUED: _admit,
    Status.STAGING: _stage,
    Status.STARTING: _start,
    Status.RUNNING: _look,
    Status.COLLECTING: _collect,
    Status.CANCELLING: _stop,
    Status.SUCCEEDED: _clean,
    Status.FAILED: _clean,
    Status.CANCELLED: _clean,
}


def _wait(run: Run, claim: Claim, sentence: str) -> bool:
    if run.waiting != sentence:
        claim.write(run, waiting=sentence)
    return False


def _try_again(run: Run, claim: Claim, reason: Reason) -> bool:
    """The next attempt from fetching images on, or failure once the attempts are used up."""
    if run.attempt >= ATTEMPTS:
        return _fail(run, claim, reason)
    claim.move(
        run,
        Status.STAGING,
        why=f"attempt {run.attempt} ended with {reason.code}",
        attempt=run.attempt + 1,
        abandoned=[*run.abandoned, *_outputs_of(run)],
        gate_report=None,
        started_at=None,
        progress=None,
        progress_text="",
        log_offset=0,
    )
    return True


def _outputs_of(run: Run) -> list[str]:
    """What an attempt in a cluster may have stored before it broke."""
    return [] if run.gate_report is None else [output["sop_instance_uid"] for output in run.gate_report["outputs"]]


def _fail(run: Run, claim: Claim, reason: Reason) -> bool:
    with transaction.atomic():
        claim.move(run, Status.FAILED, why=reason.code, reason_code=reason.code, reason=reason.sentence)
        _ring_next()
    return True


def _note_failure(run: Run, claim: Claim) -> bool:
    """Puts a step off that ended in something unexpected; gives the run up when that happens again and again."""
    failures = run.step_failures + 1
    if failures >= STEP_FAILURES and Status.FAILED in Run.TRANSITIONS.get(run.status, ()):
        code = ReasonCode.LOST if run.status in (Status.STARTING, Status.RUNNING) else ReasonCode.STORE_FAILED
        sentence = "Something unexpected went wrong again and again; the administrators find it in the log."
        return _fail(run, claim, Reason(code, sentence))
    claim.write(run, step_failures=failures)
    claim.put_off()
    return False


def _ring_next() -> None:
    """A place is free: whoever waits longest should not wait for the next look."""
    waiting = Run.objects.filter(status=Status.QUEUED, cluster=None).order_by("pk").values_list("pk", flat=True).first()
    if waiting:
        ring("jobs.advance", waiting)
