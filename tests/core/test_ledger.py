"""The ledger: steps in order, resumed where they stopped, each done at least once and recorded once."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.core import doorbell, ledger
from apps.core.ledger import StepFailed, StepWaits
from apps.core.models import Ledger, Step
from tests.waiting import wait_until

STEPS = (("first", "First"), ("second", "Second"), ("third", "Third"))
Status = Step.Status


@pytest.fixture
def opened(db: None) -> Ledger:
    return ledger.open_ledger("test", 7, STEPS, then="test.then")


class Actions(dict[str, Callable[[int], None]]):
    """Actions that note their calls; those in `failing` raise instead."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.failing: dict[str, Exception] = {}
        super().__init__({name: self._action(name) for name, _ in STEPS})

    def _action(self, name: str) -> Callable[[int], None]:
        def act(subject_pk: int) -> None:
            self.calls.append((name, subject_pk))
            if name in self.failing:
                raise self.failing[name]

        return act


def statuses() -> list[str]:
    return [step.status for step in ledger.steps_of("test", 7)]


def age(step: Step, seconds: float) -> None:
    """As if the step had come into its state so long ago."""
    Step.objects.filter(pk=step.pk).update(status_changed_at=timezone.now() - timedelta(seconds=seconds))


def test_steps_are_done_in_order_with_their_subject(opened: Ledger) -> None:
    actions = Actions()
    assert ledger.advance(opened, actions)
    assert actions.calls == [("first", 7), ("second", 7), ("third", 7)]
    assert statuses() == [Status.DONE] * 3
    assert ledger.unfinished("test") == []
    assert all(step.started_at and step.finished_at for step in opened.steps.all())


def test_opening_twice_is_once(opened: Ledger) -> None:
    assert ledger.open_ledger("test", 7, STEPS) == opened
    assert Step.objects.count() == 3


def test_advancing_a_finished_ledger_does_nothing_again(opened: Ledger) -> None:
    actions = Actions()
    assert ledger.advance(opened, actions)
    assert ledger.advance(opened, actions)
    assert len(actions.calls) == 3


def test_a_failed_step_stops_the_rest_with_its_sentence_and_resumes_there(opened: Ledger) -> None:
    actions = Actions()
    actions.failing["second"] = StepFailed("The disk is full.")
    assert not ledger.advance(opened, actions)
    first, second, third = ledger.steps_of("test", 7)
    assert (first.status, second.status, third.status) == (Status.DONE, Status.FAILED, Status.WAITING)
    assert second.last_error == "The disk is full."
    actions.failing.clear()
    assert ledger.retry(opened, by=None)
    assert ledger.advance(opened, actions)
    assert [name for name, _ in actions.calls] == ["first", "second", "second", "third"]


def test_an_unexpected_error_shows_no_detail(opened: Ledger) -> None:
    actions = Actions()
    actions.failing["first"] = RuntimeError("password=hunter2")
    ledger.advance(opened, actions)
    assert "hunter2" not in ledger.steps_of("test", 7)[0].last_error


def test_a_failed_step_is_tried_again_after_a_while_but_not_for_ever(opened: Ledger) -> None:
    actions = Actions()
    actions.failing["first"] = StepFailed("Not yet.")
    for _ in range(ledger.AUTOMATIC_ATTEMPTS + 3):
        ledger.advance(opened, actions)
        ledger.advance(opened, actions)  # at once: too early
        age(ledger.steps_of("test", 7)[0], 3600)
    assert len(actions.calls) == ledger.AUTOMATIC_ATTEMPTS
    assert ledger.retry(opened, by=None)
    assert ledger.steps_of("test", 7)[0].attempts == 0


def test_a_step_that_waits_costs_no_attempt_and_is_looked_at_again_ever_less_often(opened: Ledger) -> None:
    actions = Actions()
    actions.failing["first"] = StepWaits("The volume is not there yet.")
    assert not ledger.advance(opened, actions)
    assert not ledger.advance(opened, actions)  # at once: too early
    waiting = ledger.steps_of("test", 7)[0]
    assert (waiting.status, waiting.attempts, waiting.kind) == (Status.WAITING, 0, "now")
    assert waiting.last_error == "The volume is not there yet."
    assert ledger.due("test") == []
    look_again(waiting)
    assert ledger.due("test") == [opened]
    Step.objects.filter(pk=waiting.pk).update(waiting_since=timezone.now() - timedelta(minutes=10))
    assert not ledger.advance(opened, actions)
    waiting.refresh_from_db()
    assert timedelta(seconds=110) < waiting.look_again_at - timezone.now() < timedelta(seconds=130)
    look_again(waiting)
    actions.failing.clear()
    assert ledger.advance(opened, actions)
    assert [name for name, _ in actions.calls] == ["first", "first", "first", "second", "third"]
    done = ledger.steps_of("test", 7)[0]
    assert (done.attempts, done.last_error, done.kind) == (1, "", "done")
    assert done.finished_at - done.started_at > timedelta(minutes=9)


def look_again(step: Step) -> None:
    Step.objects.filter(pk=step.pk).update(look_again_at=timezone.now())


def test_retry_without_a_failed_step_changes_nothing(opened: Ledger) -> None:
    assert not ledger.retry(opened, by=None)
    assert statuses() == [Status.WAITING] * 3


def test_the_claim_of_a_dead_worker_is_taken_over_but_not_a_living_one(opened: Ledger) -> None:
    step = ledger.steps_of("test", 7)[0]
    step.move_to(Status.RUNNING, attempts=1)
    actions = Actions()
    assert not ledger.advance(opened, actions)
    assert actions.calls == []
    age(step, settings.CLAIM_SECONDS + 1)
    assert ledger.advance(opened, actions)
    assert ledger.steps_of("test", 7)[0].attempts == 2


def test_a_worker_that_comes_back_late_does_not_undo_its_successor(opened: Ledger) -> None:
    actions = Actions()

    def slow(subject_pk: int) -> None:
        age(ledger.steps_of("test", 7)[0], settings.CLAIM_SECONDS + 1)
        assert ledger.advance(opened, actions)
        raise StepFailed("too late")

    assert not ledger.advance(opened, {**actions, "first": slow})
    assert statuses() == [Status.DONE] * 3


@pytest.mark.django_db(transaction=True)
def test_the_last_step_rings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(doorbell, "_send", lambda task, pks: rung.append((task, pks)))
    opened = ledger.open_ledger("test", 7, STEPS, then="test.then")
    ledger.advance(opened, Actions())
    ledger.advance(opened, Actions())
    assert rung == [("test.then", (7,))]


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_cannot_be_rung_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise OSError("the queue is gone")

    monkeypatch.setattr("apps.core.doorbell.current_app.send_task", broken)
    opened = ledger.open_ledger("test", 7, STEPS, then="test.then")
    assert ledger.advance(opened, Actions())


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_do_each_step_once() -> None:
    opened = ledger.open_ledger("test", 7, STEPS)
    actions, start = Actions(), threading.Barrier(4)

    def work() -> None:
        start.wait()
        try:
            ledger.advance(opened, actions)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: statuses() == [Status.DONE] * 3)
    for thread in threads:
        thread.join()
    assert [name for name, _ in actions.calls] == ["first", "second", "third"]
