"""A lease: of those who come at once one works; it ends with its block or when its time is up."""

import os
import signal
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.core import leases
from apps.core.leases import LeaseLost, are_held, lease, under_lease
from apps.core.models import Lease
from tests.killing import exit_of_child
from tests.waiting import wait_until


@pytest.mark.django_db
def test_while_one_holds_it_nobody_else_does() -> None:
    with lease("sweep") as first:
        with lease("sweep") as second:
            assert first
            assert second is None
        with lease("another") as other:
            assert other
    with lease("sweep") as again:
        assert again


@pytest.mark.django_db
def test_it_ends_with_its_block_even_by_an_error() -> None:
    with pytest.raises(ValueError, match="oops"), lease("sweep"):
        raise ValueError("oops")
    with lease("sweep") as had:
        assert had


@pytest.mark.django_db
def test_the_lease_of_a_dead_holder_runs_out_and_a_late_one_does_not_end_its_successors() -> None:
    with lease("sweep") as first:
        assert first
        Lease.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        second = lease("sweep")
        assert second.__enter__()
    with lease("sweep") as third:
        assert not third
    second.__exit__(None, None, None)


@pytest.mark.django_db
def test_a_holder_that_was_paused_finds_out_that_it_has_lost_the_lease() -> None:
    with lease("sweep") as paused:
        assert paused
        Lease.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        with lease("sweep") as successor:
            assert successor
            with pytest.raises(LeaseLost):
                paused.check()
            successor.check()
        with pytest.raises(LeaseLost):
            paused.check()


@pytest.mark.django_db
def test_it_is_known_who_is_at_work() -> None:
    with lease("one"), lease("two"):
        assert are_held(["one", "two", "three"]) == {"one", "two"}
    assert are_held(["one", "two"]) == set()


@pytest.mark.django_db(transaction=True)
def test_it_is_renewed_for_as_long_as_its_block_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.6)
    with lease("sweep") as had:
        assert had
        until = Lease.objects.get().held_until
        wait_until(lambda: timezone.now() > until + timedelta(seconds=0.1))
        with lease("sweep") as other:
            assert other is None
        had.check()
    with lease("sweep") as next_one:
        assert next_one


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_one_that_is_killed_keeps_the_others_waiting_for_no_longer_than_a_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.6)

    def work_and_die() -> None:
        with lease("sweep") as had:
            assert had
            first = Lease.objects.get().held_until
            wait_until(lambda: Lease.objects.get().held_until > first)
            os.kill(os.getpid(), signal.SIGKILL)

    assert exit_of_child(work_and_die) == -signal.SIGKILL
    assert are_held(["sweep"]) == {"sweep"}
    wait_until(lambda: Lease.objects.get().held_until <= timezone.now(), 5)
    with lease("sweep") as successor:
        assert successor


@pytest.mark.django_db
def test_a_sweep_is_done_by_the_holder_alone() -> None:
    done = []
    sweep = under_lease("sweep")(lambda: done.append("swept"))
    with lease("sweep"):
        sweep()
    assert not done
    sweep()
    assert done == ["swept"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_ten_at_once_one_has_it() -> None:
    start, end, had = threading.Barrier(10), threading.Barrier(10), []

    def work() -> None:
        start.wait()
        with lease("sweep") as mine:
            had.append(mine is not None)
            end.wait()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(had) == [False] * 9 + [True]
