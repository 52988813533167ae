"""A lease: of those who come at once one works; it ends with its block or when its time is up."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.core.leases import lease, under_lease
from apps.core.models import Lease


@pytest.mark.django_db
def test_while_one_holds_it_nobody_else_does() -> None:
    with lease("sweep", seconds=60) as first:
        with lease("sweep", seconds=60) as second:
            assert (first, second) == (True, False)
        with lease("another", seconds=60) as other:
            assert other
    with lease("sweep", seconds=60) as again:
        assert again


@pytest.mark.django_db
def test_it_ends_with_its_block_even_by_an_error() -> None:
    with pytest.raises(ValueError, match="oops"), lease("sweep", seconds=60):
        raise ValueError("oops")
    with lease("sweep", seconds=60) as had:
        assert had


@pytest.mark.django_db
def test_the_lease_of_a_dead_holder_runs_out_and_a_late_one_does_not_end_its_successors() -> None:
    with lease("sweep", seconds=60) as first:
        assert first
        Lease.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        second = lease("sweep", seconds=60)
        assert second.__enter__()
    with lease("sweep", seconds=60) as third:
        assert not third
    second.__exit__(None, None, None)


@pytest.mark.django_db
def test_a_sweep_is_done_by_the_holder_alone() -> None:
    done = []
    sweep = under_lease("sweep")(lambda: done.append("swept"))
    with lease("sweep", seconds=60):
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
        with lease("sweep", seconds=60) as mine:
            had.append(mine)
            end.wait()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(had) == [False] * 9 + [True]
