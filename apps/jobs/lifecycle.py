"""What is to be done with a run in each of its states. Every step may be done twice, late, or be killed in its middle:
its effect comes first and can be repeated, the move to the next state comes last.

A step answers whether it moved the run, so that the next one is due at once.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.archives import services as archives
from apps.archives.models import Instance
from apps.core.doorbell import ring
from apps.core.state import IllegalTransition
from apps.integrations.executors.port import EndedBy, Observation, State
from apps.jobs import catalogue, collecting, execution, staging
from apps.jobs.claims import Claim, ClaimLost, hold
from apps.jobs.models import Run
from apps.jobs.progress import last_words, latest_progress, unfinished_bytes
from apps.jobs.reasons import Reason, ReasonCode, reason_of

log = structlog.get_logger(__name__)

ATTEMPTS = 3
START_SECONDS = 180
"""An executor that has not begun a run by then never will."""
STEP_FAILURES = 5
"""So often a step may end in something unexpected, each time a claim's time apart, before the run is given up."""
ACTIVE = (State.STARTING, State.RUNNING)
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
    if execution.executor().observe(run.name).state is not State.RUNNING:
        return True
    _note_progress(run)
    return False


def _next_step(run: Run, claim: Claim) -> bool:
    run.refresh_from_db()
    try:
        return STEPS[Status(run.status)](run, claim)
    except IllegalTransition:
        return True  # a person cancelled it meanwhile
    except ClaimLost:
        raise
    except Exception:
        log.exception("step of a run failed", run=run.pk, status=run.status)
        return _note_failure(run, claim)


def _admit(run: Run, claim: Claim) -> bool:
    """Moves a queued run on if one of the places is free and no older run waits for it."""
    with transaction.atomic():
        # Locked, so that two workers cannot both see the last free place.
        unfinished = Run.objects.select_for_update().filter(status__in=Run.UNFINISHED).order_by("pk")
        rows = list(unfinished.values_list("pk", "status"))
        queued = [pk for pk, status in rows if status == Status.QUEUED]
        free = settings.RUNS_AT_ONCE - (len(rows) - len(queued))
        if run.pk not in queued[: max(free, 0)]:
            return False
        claim.move(run, Status.STAGING)
    return True


def _stage(run: Run, claim: Claim) -> bool:
    directory = execution.input_directory(run)
    directory.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        staging.stage(_input_files(run), directory)
    except staging.InputDamaged as damaged:
        return _fail(run, claim, Reason(ReasonCode.STORE_FAILED, f"The images could not be fetched. {damaged}"))
    claim.move(run, Status.STARTING)
    return True


def _start(run: Run, claim: Claim) -> bool:
    executor = execution.executor()
    seen = executor.observe(run.name)
    if seen.state is State.ABSENT:
        if cause := _cannot_start(run):
            return _fail(run, claim, cause)
        execution.output_directory(run).mkdir(mode=0o700, exist_ok=True)
        executor.start(execution.spec_of(run))
        seen = executor.observe(run.name)
    if seen.started_at is None:
        is_late = timezone.now() - run.status_changed_at > timedelta(seconds=START_SECONDS)
        return is_late and _try_again(run, claim, Reason(ReasonCode.LOST, "The algorithm could not be started."))
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
    seen = execution.executor().observe(run.name)
    _note_progress(run)
    if seen.state in ACTIVE:
        return False
    if seen.state is not State.EXITED:
        return _try_again(run, claim, Reason(ReasonCode.LOST, "The machine lost the algorithm, three times in a row."))
    if seen.ended_by is EndedBy.PLATFORM_STOPPED:
        return _try_again(run, claim, Reason(ReasonCode.EVICTED, "The platform was stopped three times meanwhile."))
    return _end_of_algorithm(run, claim, seen)


def _end_of_algorithm(run: Run, claim: Claim, seen: Observation) -> bool:
    said = "" if seen.ended_by or not seen.exit_code else last_words(execution.whole_log(run))
    claim.write(run, ended_at=seen.ended_at, peak_memory_bytes=seen.peak_memory_bytes)
    reason = reason_of(seen, execution.limits_of(run.algorithm), last_words=said)
    if reason:
        return _fail(run, claim, reason)
    claim.move(run, Status.COLLECTING)
    return True


def _collect(run: Run, claim: Claim) -> bool:
    try:
        report = collecting.checked(run, claim, _input_files(run))
        if reason := collecting.refusal(report):
            return _fail(run, claim, reason)
        collecting.store(run, report)
    except (staging.InputDamaged, collecting.NotStored) as failure:
        return _fail(run, claim, Reason(ReasonCode.STORE_FAILED, f"The outputs could not be stored. {failure}"))
    with transaction.atomic():
        claim.move(run, Status.SUCCEEDED)
        collecting.record_outputs(run, report)
        _ring_next()
    return True


def _stop(run: Run, claim: Claim) -> bool:
    executor = execution.executor()
    executor.stop(run.name)
    if executor.observe(run.name).state in ACTIVE:
        return False
    with transaction.atomic():
        claim.move(run, Status.CANCELLED)
        _ring_next()
    return True


def _clean(run: Run, claim: Claim) -> bool:
    """Removes the folders of all attempts of a run that is over; its log stays."""
    if run.cleaned_at is not None:
        return False
    executor = execution.executor()
    if executor.observe(run.name).state in ACTIVE:
        executor.stop(run.name)
        return False
    execution.keep_log(run)
    for attempt in range(1, run.attempt + 1):
        name = run.attempt_name(attempt)
        for part in settings.RUNS_DIR.glob(f"{name}/*/"):
            staging.remove(part)
        executor.remove(name)
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


def _input_files(run: Run) -> list[staging.InputFile]:
    """Raises InputDamaged when the archive no longer has an input."""
    hashes = dict(run.inputs.values_list("sop_instance_uid", "sha256"))
    instances = (
        Instance.objects.filter(archive_id=run.archive_id, series__series_instance_uid=run.series_instance_uid)
        .select_related("archive", "series__study")
        .defer("metadata", "frames")
    )
    files = [
        staging.InputFile(
            source=archives.object_path(instance),
            target=staging.target_of(run.study_instance_uid, run.series_instance_uid, instance.sop_instance_uid),
            sha256=hashes[instance.sop_instance_uid],
        )
        for instance in instances
        if instance.sop_instance_uid in hashes
    ]
    if len(files) != len(hashes):
        raise staging.InputDamaged("The archive no longer has all images of the series.")
    return files


def _cannot_start(run: Run) -> Reason | None:
    algorithm = run.algorithm
    if algorithm.gpus:
        return Reason(ReasonCode.NO_GPU, f"The algorithm needs a GPU ({algorithm.gpus}), and this machine lends none.")
    folder = settings.SAMPLES_DIR / algorithm.name
    if not folder.is_dir() or catalogue.digest_of(folder) != algorithm.digest:
        return Reason(
            ReasonCode.IMAGE_PULL,
            f"Version {algorithm.version} of the algorithm, as it was at launch, is no longer on this machine.",
        )
    return None


def _try_again(run: Run, claim: Claim, reason: Reason) -> bool:
    """The next attempt from fetching images on, or failure once the attempts are used up."""
    if run.attempt >= ATTEMPTS:
        return _fail(run, claim, reason)
    claim.move(
        run,
        Status.STAGING,
        why=f"attempt {run.attempt} ended with {reason.code}",
        attempt=run.attempt + 1,
        started_at=None,
        progress=None,
        progress_text="",
        log_offset=0,
    )
    return True


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


def _note_progress(run: Run) -> None:
    """Reads on in the log. Two at once do no harm: both write what the log says."""
    offset, lines = run.log_offset, []
    while (chunk := execution.read_log(run, offset)).text:
        next_offset = chunk.next_offset - unfinished_bytes(chunk.text)
        if next_offset == offset:
            break
        offset = next_offset
        lines += chunk.text.split("\n")[:-1]
    if offset == run.log_offset:
        return
    fields: dict[str, object] = {"log_offset": offset}
    if said := latest_progress(lines):
        fields |= {"progress": said.fraction, "progress_text": said.text}
    Run.objects.filter(pk=run.pk, attempt=run.attempt).update(**fields)


def _ring_next() -> None:
    """A place is free: whoever waits longest should not wait for the next look."""
    waiting = Run.objects.filter(status=Status.QUEUED).order_by("pk").values_list("pk", flat=True).first()
    if waiting:
        ring("jobs.advance", waiting)
