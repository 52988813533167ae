"""The ledger: named steps, done in order, each at least once and resumed where they stopped.

A step is claimed by moving it to RUNNING; a claim older than CLAIM_SECONDS belongs to a worker that died and is taken
over. So every action must be one that may run twice.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.core.doorbell import ring
from apps.core.models import Ledger, Step
from apps.core.state import IllegalTransition

log = structlog.get_logger(__name__)

Action = Callable[[int], None]
AUTOMATIC_ATTEMPTS = 5
LEAST_WAIT, LONGEST_WAIT = timedelta(seconds=3), timedelta(seconds=300)


class StepFailed(Exception):
    """A step could not be done; the sentence is shown to the person who waits."""


class StepWaits(Exception):
    """Not yet: what the step needs is on its way, or time will mend it. It costs no attempt; the sentence is shown.

    The step is looked at again by itself, after a fifth of the time that it has waited so far.
    """


def open_ledger(kind: str, subject_pk: int, steps: Iterable[tuple[str, str]], *, then: str = "") -> Ledger:
    """Writes the steps as (name, title). Twice is once: an open ledger of that kind and subject is returned."""
    with transaction.atomic():
        ledger, is_new = Ledger.objects.get_or_create(kind=kind, subject_pk=subject_pk, defaults={"then": then})
        if is_new:
            Step.objects.bulk_create(
                Step(ledger=ledger, position=position, name=name, title=title, status=Step.Status.WAITING)
                for position, (name, title) in enumerate(steps)
            )
    return ledger


def steps_of(kind: str, subject_pk: int) -> list[Step]:
    return list(Step.objects.filter(ledger__kind=kind, ledger__subject_pk=subject_pk).order_by("position"))


def current_steps(kind: str, subject_pks: Collection[int]) -> dict[int, Step]:
    """The first step that is not done of each of these subjects, by subject; none of who has no open ledger."""
    found = Step.objects.filter(ledger__kind=kind, ledger__subject_pk__in=subject_pks).exclude(status=Step.Status.DONE)
    steps = found.select_related("ledger").order_by("-position")
    return {step.ledger.subject_pk: step for step in steps}


def advance(ledger: Ledger, actions: Mapping[str, Action]) -> bool:
    """Does what can be done now. True when the whole ledger is done."""
    for step in ledger.steps.order_by("position"):
        if step.status == Step.Status.DONE:
            continue
        if not _claim(step) or not _perform(step, ledger.subject_pk, actions[step.name]):
            return False
    _finish(ledger)
    return True


def unfinished(kind: str) -> list[Ledger]:
    return list(Ledger.objects.filter(kind=kind, finished_at=None).order_by("pk"))


def due(kind: str) -> list[Ledger]:
    """The ledgers with a step that has waited (StepWaits) and is to be looked at again now."""
    waits = Step.objects.filter(status=Step.Status.WAITING, look_again_at__lte=timezone.now())
    return list(Ledger.objects.filter(kind=kind, finished_at=None, steps__in=waits).distinct().order_by("pk"))


def retry(ledger: Ledger, *, by: int | None) -> bool:
    """A person's "retry": failed steps wait again with their attempts counted anew. True when there was one."""
    found = False
    for step in ledger.steps.filter(status=Step.Status.FAILED):
        try:
            step.move_to(Step.Status.WAITING, by=by, why="retry", attempts=0)
        except IllegalTransition:
            continue
        found = True
    return found


def _claim(step: Step) -> bool:
    try:
        if step.status != Step.Status.WAITING:
            if not _is_due_again(step):
                return False
            step.move_to(Step.Status.WAITING, why="taken up again")
        elif step.look_again_at and step.look_again_at > timezone.now():
            return False
        step.move_to(
            Step.Status.RUNNING,
            attempts=step.attempts + 1,
            started_at=step.waiting_since or timezone.now(),
            finished_at=None,
            last_error=step.last_error if step.waiting_since else "",
        )
    except IllegalTransition:
        return False
    return True


def _is_due_again(step: Step) -> bool:
    age = timezone.now() - step.status_changed_at
    if step.status == Step.Status.RUNNING:
        return age > timedelta(seconds=settings.CLAIM_SECONDS)
    back_off = timedelta(seconds=min(5 * 3**step.attempts, 600))
    return step.attempts < AUTOMATIC_ATTEMPTS and age > back_off


def _perform(step: Step, subject_pk: int, action: Action) -> bool:
    try:
        action(subject_pk)
    except StepWaits as error:
        _wait(step, str(error))
    except StepFailed as error:
        _fail(step, str(error))
    except Exception:
        log.exception("step failed", ledger=step.ledger_id, step=step.name)
        _fail(step, "Something unexpected went wrong; the administrators find it in the log.")
    else:
        return _end(step, Step.Status.DONE)
    return False


def _fail(step: Step, sentence: str) -> None:
    _end(step, Step.Status.FAILED, sentence)


def _end(step: Step, status: Step.Status, sentence: str = "") -> bool:
    waited = {"waiting_since": None, "look_again_at": None}
    return _move_quietly(step, status, finished_at=timezone.now(), last_error=sentence, **waited)


def _wait(step: Step, sentence: str) -> None:
    now = timezone.now()
    since = step.waiting_since or now
    pause = min(max((now - since) / 5, LEAST_WAIT), LONGEST_WAIT)
    fields = {"attempts": step.attempts - 1, "waiting_since": since, "look_again_at": now + pause}
    _move_quietly(step, Step.Status.WAITING, why=sentence, last_error=sentence, **fields)


def _move_quietly(step: Step, target: Step.Status, **fields: Any) -> bool:
    try:
        step.move_to(target, **fields)
    except IllegalTransition:  # the claim ran out and another worker has taken over
        return False
    return True


def _finish(ledger: Ledger) -> None:
    with transaction.atomic():
        is_first = Ledger.objects.filter(pk=ledger.pk, finished_at=None).update(finished_at=timezone.now())
        if is_first and ledger.then:
            ring(ledger.then, ledger.subject_pk)
