"""What is to be done with a run in each of its states. Every step may be done twice, late, or be killed in its middle:
its effect comes first and can be repeated, the move to the next state comes last.

A step answers whether it moved the run, so that the next one is due at once.
"""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

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
from apps.jobs.setbacks import fail, note_failure, ring_next, try_again, wait

log = structlog.get_logger(__name__)

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
        return wait(run, claim, str(waits))
    except RunFails as failure:
        return fail(run, claim, failure.reason)
    except RunBroke as failure:
        return try_again(run, claim, failure.reason)
    except ClaimLost:
        raise
    except Exception:
        log.exception("step of a run failed", run=run.pk, status=run.status)
        return note_failure(run, claim)


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
        return fail(run, claim, reason)
    claim.move(run, Status.COLLECTING)
    return True


def _collect(run: Run, claim: Claim) -> bool:
    report = _report(run, claim)
    if reason := refusal(report):
        return fail(run, claim, reason)
    place_of(run).store(run, report)
    with transaction.atomic():
        claim.move(run, Status.SUCCEEDED)
        record_outputs(run, report)
        ring_next()
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
        ring_next()
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
