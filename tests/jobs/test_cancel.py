"""Cancelling: who may, in which states, and that nothing goes on or comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.archives.models import Instance, Series
from apps.audit.models import Entry as AuditEntry
from apps.integrations.executors.port import State
from apps.jobs import lifecycle, services, staging
from apps.jobs.machine import ThisMachine
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.driving import drive
from tests.jobs.packages import install
from tests.waiting import wait_until

Status = Run.Status
SLEEPS = "import time; print('awake', flush=True); time.sleep(60)"


@pytest.fixture
def sleeper(settings, tmp_path: Path, db: None) -> Algorithm:
    return install(settings, tmp_path / "packages", SLEEPS)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STAGING, Status.STARTING, Status.RUNNING])
def test_a_run_is_cancelled_in_its_state(
    as_bob: Entry, sleeper: Algorithm, ct: Series, status: Run.Status, settings, monkeypatch
):
    before = Instance.objects.count()
    run = services.launch(as_bob, sleeper, ct, arguments={})
    with monkeypatch.context() as patch:
        # The state lasts for as long as its step does nothing.
        if status is not Status.RUNNING:
            patch.setitem(lifecycle.STEPS, status, lambda run, claim: False)
        drive(run, status)
    services.cancel(run, by=as_bob.user)
    drive(run)
    assert run.status == Status.CANCELLED
    assert ThisMachine().observe(run).state is State.ABSENT
    assert Instance.objects.count() == before
    assert list(settings.RUNS_DIR.glob("run-*")) == []
    assert [event.by_pk for event in run.events() if event.to_status == Status.CANCELLING] == [as_bob.user.pk]
    assert AuditEntry.objects.filter(action="run.cancelled", actor_pk=as_bob.user.pk).count() == 1


def test_twice_is_once(as_bob: Entry, sleeper: Algorithm, ct: Series):
    run = drive(services.launch(as_bob, sleeper, ct, arguments={}), Status.RUNNING)
    services.cancel(run, by=as_bob.user)
    services.cancel(run, by=as_bob.user)
    drive(run)
    services.cancel(run, by=as_bob.user)
    assert run.events().filter(to_status=Status.CANCELLING).count() == 1


def test_outputs_that_are_being_stored_cannot_be_cancelled(
    as_bob: Entry, segmentation: Algorithm, ct: Series, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setitem(lifecycle.STEPS, Status.COLLECTING, lambda run, claim: False)
        run = drive(services.launch(as_bob, segmentation, ct, arguments={}), Status.COLLECTING)
    with pytest.raises(services.NotCancellable, match="being stored"):
        services.cancel(run, by=as_bob.user)
    assert drive(run).status == Status.SUCCEEDED
    with pytest.raises(services.NotCancellable, match="over already"):
        services.cancel(run, by=as_bob.user)


def test_a_cancel_while_a_worker_fetches_images_wins(as_bob: Entry, sleeper: Algorithm, ct: Series, monkeypatch):
    run = services.launch(as_bob, sleeper, ct, arguments={})
    stage = staging.stage

    def cancelled_meanwhile(*arguments: object) -> None:
        stage(*arguments)
        services.cancel(run, by=as_bob.user)

    monkeypatch.setattr(staging, "stage", cancelled_meanwhile)
    assert drive(run).status == Status.CANCELLED


def test_an_algorithm_that_starts_after_the_cancel_is_stopped(as_bob: Entry, sleeper: Algorithm, ct: Series):
    """A worker that was held up between the move and the start of the algorithm."""
    run = services.launch(as_bob, sleeper, ct, arguments={})
    drive(run, Status.RUNNING)
    Run.objects.filter(pk=run.pk).update(status=Status.CANCELLED)
    drive(run)
    assert ThisMachine().observe(run).state is State.ABSENT


def test_who_may_cancel(client, as_bob: Entry, sleeper: Algorithm, ct: Series, alice: User, vera: User, charlie: User):
    run = services.launch(as_bob, sleeper, ct, arguments={})
    address = reverse("jobs:cancel", args=["cardiac-mr", run.pk])
    for person, status in ((charlie, 404), (vera, 403)):
        client.force_login(person)
        assert client.post(address).status_code == status
    client.force_login(alice)
    assert client.get(address).status_code == 405
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    assert client.post(address).status_code == 302
    run.refresh_from_db()
    assert run.status == Status.CANCELLING


def test_a_run_that_is_over_says_so(client, as_bob: Entry, sleeper: Algorithm, ct: Series):
    run = services.launch(as_bob, sleeper, ct, arguments={})
    Run.objects.filter(pk=run.pk).update(status=Status.FAILED)
    client.force_login(as_bob.user)
    page = client.post(reverse("jobs:cancel", args=["cardiac-mr", run.pk]), follow=True)
    assert "The run is over already." in page.content.decode()


def test_the_next_run_begins_when_one_is_cancelled(
    as_bob: Entry, sleeper: Algorithm, ct: Series, django_capture_on_commit_callbacks
):
    first, second = (services.launch(as_bob, sleeper, ct, arguments={}) for _ in range(2))
    drive(first, Status.RUNNING)
    services.advance(second)
    second.refresh_from_db()
    assert second.status == Status.QUEUED
    services.cancel(first, by=as_bob.user)
    drive(first)
    services.cancel(second, by=as_bob.user)
    assert drive(second).status == Status.CANCELLED
    wait_until(lambda: ThisMachine().observe(second).state is State.ABSENT)
