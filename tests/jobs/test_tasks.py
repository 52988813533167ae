"""The doors of the worker: cheap when there is nothing, and ringing for what is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.archives.models import Series
from apps.jobs import services, tasks, watching
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from celery_worker.app import app
from tests.jobs.driving import drive

Status = Run.Status


@pytest.fixture
def bells(monkeypatch) -> list[tuple[str, int]]:
    rung: list[tuple[str, int]] = []
    for room in (services, watching):
        monkeypatch.setattr(room, "ring", lambda task, pk: rung.append((task, pk)))
    return rung


def test_looking_costs_one_query_when_nothing_goes_on(db: None, django_assert_num_queries):
    with django_assert_num_queries(1):
        tasks.observe_active()


def test_only_runs_that_have_a_place_are_rung_for(as_bob: Entry, segmentation: Algorithm, ct: Series, bells: list):
    first, second = (services.launch(as_bob, segmentation, ct, arguments={}) for _ in range(2))
    bells.clear()
    tasks.observe_active()
    assert bells == [("jobs.advance", first.pk)]
    Run.objects.filter(pk=first.pk).update(status=Status.FAILED)
    bells.clear()
    tasks.observe_active()
    tasks.sweep()
    assert bells == [("jobs.advance", second.pk), ("jobs.advance", first.pk)]


def test_a_run_that_somebody_works_on_is_left_alone(as_bob: Entry, segmentation: Algorithm, ct: Series, bells: list):
    run = services.launch(as_bob, segmentation, ct, arguments={})
    Run.objects.update(claimed_until=timezone.now() + timedelta(seconds=30), claim_token="another")
    bells.clear()
    tasks.observe_active()
    services.advance(run)
    assert bells == []
    run.refresh_from_db()
    assert run.status == Status.QUEUED


def test_the_tasks_carry_a_run_to_its_end_and_may_run_again(as_bob: Entry, segmentation: Algorithm, ct: Series):
    run = services.launch(as_bob, segmentation, ct, arguments={})
    tasks.advance(run.pk)
    drive(run)
    for _ in range(2):
        tasks.advance(run.pk)
        tasks.observe_active()
        tasks.sweep()
    assert run.outputs.count() == 1


def test_beat_rings_them(settings):
    schedule = app.conf.beat_schedule
    assert schedule["jobs.observe_active"]["schedule"] == settings.OBSERVE_SECONDS
    assert schedule["jobs.sweep"]["schedule"] == settings.SWEEP_SECONDS
    assert {"jobs.advance", "jobs.observe_active", "jobs.sweep"} <= set(app.tasks)
