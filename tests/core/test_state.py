"""Declared states: only the table's moves, by compare-and-set, each with its event."""

import threading

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import CheckConstraint

from apps.accounts.models import User
from apps.core.models import Ledger, StateEvent, Step
from apps.core.state import IllegalTransition, Stateful

Status = Step.Status


@pytest.fixture
def step(db: None) -> Step:
    ledger = Ledger.objects.create(kind="test", subject_pk=1)
    return Step.objects.create(ledger=ledger, position=0, name="one", title="One", status=Status.WAITING)


def test_a_move_changes_the_row_and_writes_who_when_and_why(step: Step, alice: User) -> None:
    before = step.status_changed_at
    step.move_to(Status.RUNNING, by=alice.pk, why="due", attempts=3)
    row = Step.objects.get(pk=step.pk)
    event = row.events().get()
    assert (row.status, row.attempts, step.attempts) == (Status.RUNNING, 3, 3)
    assert row.status_changed_at == step.status_changed_at > before
    assert (event.from_status, event.to_status, event.by_pk, event.why) == ("waiting", "running", alice.pk, "due")
    assert event.at == row.status_changed_at


def test_a_move_outside_the_table_is_refused(step: Step) -> None:
    with pytest.raises(IllegalTransition, match="cannot go from waiting to done"):
        step.move_to(Status.DONE)
    assert Step.objects.get(pk=step.pk).status == Status.WAITING
    assert not StateEvent.objects.exists()


def test_of_two_who_read_the_same_row_the_second_is_refused(step: Step) -> None:
    twin = Step.objects.get(pk=step.pk)
    step.move_to(Status.RUNNING)
    with pytest.raises(IllegalTransition):
        twin.move_to(Status.RUNNING, attempts=9)
    row = Step.objects.get(pk=step.pk)
    assert row.attempts == 0
    assert row.events().count() == 1


def test_a_row_that_went_away_and_came_back_is_another_version(step: Step) -> None:
    stale = Step.objects.get(pk=step.pk)
    step.move_to(Status.RUNNING)
    step.move_to(Status.WAITING)
    with pytest.raises(IllegalTransition):
        stale.move_to(Status.RUNNING)


def test_the_database_guards_the_values(step: Step) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Step.objects.filter(pk=step.pk).update(status="lost")


def test_the_guard_of_every_table_has_every_declared_status() -> None:
    """The list stands twice, in `Status` and in the constraint: a migration must not need the class."""
    tables = [model for model in apps.get_models() if issubclass(model, Stateful)]
    assert len(tables) >= 5
    for model in tables:
        guards = [one.condition.children for one in model._meta.constraints if isinstance(one, CheckConstraint)]
        assert [("status__in", model.Status.values)] in guards, model
        reached = {status for targets in model.TRANSITIONS.values() for status in targets}
        assert reached | model.TRANSITIONS.keys() <= set(model.Status.values), model


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_twenty_movers_at_once_one_moves() -> None:
    ledger = Ledger.objects.create(kind="test", subject_pk=1)
    step = Step.objects.create(ledger=ledger, position=0, name="one", title="One", status=Status.WAITING)
    start, moved = threading.Barrier(20), []

    def move() -> None:
        twin = Step.objects.get(pk=step.pk)
        start.wait()
        try:
            twin.move_to(Status.RUNNING)
            moved.append(1)
        except IllegalTransition:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=move) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moved) == 1
    assert step.events().count() == 1
