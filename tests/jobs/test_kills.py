"""A worker killed at any moment of a run, and two workers at once: exactly one of everything."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from apps.archives.models import Instance, Series
from apps.integrations.executors.process import ProcessExecutor
from apps.jobs import collecting, lifecycle, services, staging
from apps.jobs.claims import Claim
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry
from tests.jobs.driving import drive, is_killed_at
from tests.racing import at_once
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status
WAY = ["staging", "starting", "running", "collecting", "succeeded"]


@pytest.fixture(autouse=True)
def short_claims(settings) -> None:
    settings.CLAIM_SECONDS = 1


def after(owner: Any, name: str) -> Callable[[], None]:
    """Makes this process die by SIGKILL as soon as that function has done its work."""

    def arm() -> None:
        work = getattr(owner, name)

        def done(*arguments: Any, **options: Any) -> None:
            work(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(owner, name, done)

    return arm


def after_move(target: Run.Status) -> Callable[[], None]:
    """Dies as soon as the run was moved to that state; with the outer transaction of the move, if it has one."""

    def arm() -> None:
        move = Claim.move

        def done(claim: Claim, run: Run, status: Run.Status, **options: Any) -> None:
            move(claim, run, status, **options)
            if status == target:
                os.kill(os.getpid(), signal.SIGKILL)

        Claim.move = done  # type: ignore[method-assign]

    return arm


MOMENTS = {
    "images fetched": after(staging, "stage"),
    "algorithm started": after(ProcessExecutor, "start"),
    "gate passed": after(collecting, "check"),
    "finding kept": after(lifecycle, "_report"),
    "outputs stored": after(collecting.archives, "store_files"),
    "outputs recorded": after(lifecycle, "record_outputs"),
    "log kept": after(lifecycle, "keep_log"),
    "folders removed": after(ProcessExecutor, "remove"),
    **{f"moved to {status}": after_move(Status(status)) for status in WAY},
}


@pytest.mark.faults
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_leaves_a_run_that_ends_well(
    as_bob: Entry, segmentation: Algorithm, ct: Series, moment: str, settings
):
    run = services.launch(as_bob, segmentation, ct, arguments={})
    before = Instance.objects.count()
    wait_until(lambda: is_killed_at(run, MOMENTS[moment]), 40)
    drive(run)
    assert run.status == Status.SUCCEEDED, run.reason
    assert [event.to_status for event in run.events()] == WAY
    assert Instance.objects.count() == before + 1
    assert run.outputs.count() == 1
    assert run.attempt == 1
    assert list(settings.RUNS_DIR.glob("run-*")) == []
    assert services.whole_log(run).count("PROGRESS 1.00 Done") == 1


@pytest.mark.race
def test_workers_at_the_same_time_make_one_of_everything(as_bob: Entry, segmentation: Algorithm, ct: Series):
    run = services.launch(as_bob, segmentation, ct, arguments={})
    before = Instance.objects.count()

    def is_over() -> bool:
        at_once(*[lambda: services.advance(Run.objects.get(pk=run.pk))] * 4)
        run.refresh_from_db()
        return run.cleaned_at is not None

    wait_until(is_over, 40)
    assert [event.to_status for event in run.events()] == WAY
    assert Instance.objects.count() == before + 1
    assert run.outputs.count() == 1


@pytest.mark.race
def test_without_claims_two_workers_still_store_once(as_bob: Entry, segmentation: Algorithm, ct: Series, monkeypatch):
    """A claim that ran out under a slow worker: both store, one of them moves the run."""
    run = services.launch(as_bob, segmentation, ct, arguments={})
    before = Instance.objects.count()
    store = collecting.store
    taken_over = []

    def slow_store(slow_run: Run, report: Any) -> None:
        store(slow_run, report)
        if not taken_over:
            taken_over.append(True)
            Run.objects.filter(pk=run.pk).update(claimed_until=None)
            services.advance(Run.objects.get(pk=run.pk))

    monkeypatch.setattr(collecting, "store", slow_store)
    drive(run)
    assert taken_over
    assert [event.to_status for event in run.events()] == WAY
    assert Instance.objects.count() == before + 1
    assert run.outputs.count() == 1


@pytest.mark.race
def test_no_more_runs_at_once_than_this_machine_does(
    as_bob: Entry, segmentation: Algorithm, ct: Series, settings, monkeypatch
):
    settings.RUNS_AT_ONCE = 2
    runs = [services.launch(as_bob, segmentation, ct, arguments={}) for _ in range(4)]
    monkeypatch.setitem(lifecycle.STEPS, Status.STAGING, lambda run, claim: False)
    pks = [run.pk for run in runs]
    at_once(*(lambda pk=pk: services.advance(Run.objects.get(pk=pk)) for pk in reversed(pks)))
    for run in runs:
        services.advance(run)
    assert list(Run.objects.order_by("pk").values_list("status", flat=True)) == ["staging"] * 2 + ["queued"] * 2
