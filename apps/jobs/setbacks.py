"""How a step of a run's life ends otherwise than well: it waits, the attempt or the run is over, it is put off."""

from django.db import transaction

from apps.core.doorbell import ring
from apps.jobs.claims import Claim
from apps.jobs.leftovers import outputs_of
from apps.jobs.models import WAITING_LENGTH, Run
from apps.jobs.reasons import Reason, ReasonCode

ATTEMPTS = 3
STEP_FAILURES = 5
"""So often a step may end in something unexpected, each time a claim's time apart, before the run is given up."""
Status = Run.Status


def wait(run: Run, claim: Claim, sentence: str) -> bool:
    """`sentence` stands on the run's page meanwhile, cut to the width of the column."""
    shown = sentence[:WAITING_LENGTH]
    if run.waiting != shown:
        claim.write(run, waiting=shown)
    return False


def try_again(run: Run, claim: Claim, reason: Reason) -> bool:
    """The next attempt from fetching images on, or failure once the attempts are used up."""
    if run.attempt >= ATTEMPTS:
        return fail(run, claim, reason)
    claim.move(
        run,
        Status.STAGING,
        why=f"attempt {run.attempt} ended with {reason.code}",
        attempt=run.attempt + 1,
        abandoned=[*run.abandoned, *outputs_of(run)],
        gate_report=None,
        started_at=None,
        progress=None,
        progress_text="",
        log_offset=0,
    )
    return True


def fail(run: Run, claim: Claim, reason: Reason) -> bool:
    """The run is over without outputs."""
    with transaction.atomic():
        claim.move(run, Status.FAILED, why=reason.code, reason_code=reason.code, reason=reason.sentence)
        ring_next()
    return True


def note_failure(run: Run, claim: Claim) -> bool:
    """Puts a step off that ended in something unexpected; gives the run up when that happens again and again."""
    failures = run.step_failures + 1
    if failures >= STEP_FAILURES and Status.FAILED in Run.TRANSITIONS.get(run.status, ()):
        code = ReasonCode.LOST if run.status in (Status.STARTING, Status.RUNNING) else ReasonCode.STORE_FAILED
        sentence = "Something unexpected went wrong again and again; the administrators find it in the log."
        return fail(run, claim, Reason(code, sentence))
    claim.write(run, step_failures=failures)
    claim.put_off()
    return False


def ring_next() -> None:
    """A place is free: whoever waits longest should not wait for the next look."""
    waiting = Run.objects.filter(status=Status.QUEUED, cluster=None).order_by("pk").values_list("pk", flat=True).first()
    if waiting:
        ring("jobs.advance", waiting)
