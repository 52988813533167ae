from dataclasses import dataclass

from apps.core import ledger
from apps.core.models import Step
from apps.core.templatetags.ui import clock, duration
from apps.projects.models import MembershipChange, Project, ProjectChange
from apps.provisioning.plan import KIND, LIFE, MEMBER, steps_of_change, steps_of_new_project, steps_of_turn


@dataclass(frozen=True)
class StepLine:
    """A step as the timeline shows it."""

    title: str
    kind: str
    sentence: str
    time_text: str


def steps_for(project: Project) -> list[Step]:
    """The steps that set the project up, in their order; none for a project that was made without them."""
    return ledger.steps_of(KIND, project.pk)


def steps_of_member(change: MembershipChange) -> list[Step]:
    """The steps that follow from a change of the members; none before they were written down."""
    return ledger.steps_of(MEMBER, change.pk)


def steps_of_life(change: ProjectChange) -> list[Step]:
    """What follows from a turn in a project's life; none where there is nothing to do, or it was not begun."""
    return ledger.steps_of(LIFE, change.pk)


def lines_of(steps: list[Step]) -> list[StepLine]:
    return [StepLine(step.title, step.kind, _sentence(step), _time_text(step)) for step in steps]


def lines_ahead() -> list[StepLine]:
    """What setting a project up will take, before it has begun."""
    return [StepLine(title, "next", "", "") for _, title in steps_of_new_project()]


def lines_of_change(change: MembershipChange) -> list[StepLine]:
    """What a change of the members will take, before it has begun."""
    return [StepLine(title, "next", "", "") for _, title in steps_of_change(change)]


def lines_of_turn(change: ProjectChange) -> list[StepLine]:
    """What a turn in a project's life will take, before it has begun."""
    return [StepLine(title, "next", "", "") for _, title in steps_of_turn(change)]


def has_failed(steps: list[Step]) -> bool:
    """Whether a person may press "retry"."""
    return any(step.status == Step.Status.FAILED for step in steps)


def _sentence(step: Step) -> str:
    if step.waiting_since:
        return step.last_error
    if step.status != Step.Status.FAILED:
        return ""
    is_last = step.attempts >= ledger.AUTOMATIC_ATTEMPTS
    return step.last_error if is_last else f"{step.last_error} It is tried again by itself."


def _time_text(step: Step) -> str:
    if step.finished_at is None or step.started_at is None:
        return "since " + clock(step.started_at) if step.started_at else ""
    return duration(step.finished_at - step.started_at)
