"""Lanes: half of the worker for one system at most, and who was turned away is rung for when there is room."""

import pytest

from apps.core import lanes
from apps.core.lanes import lane


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch, settings) -> list[tuple[str, int]]:
    settings.ENV = {**settings.ENV, "WORKER_THREADS": 4}
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(lanes, "ring", lambda task, pk: rung.append((task, pk)))
    return rung


def test_half_of_the_worker_is_for_one_system(rung: list[tuple[str, int]]) -> None:
    with lane("a", or_ring=("t", 1)) as first, lane("a", or_ring=("t", 2)) as second:
        with lane("a", or_ring=("t", 3)) as third, lane("b", or_ring=("t", 4)) as elsewhere:
            assert (first, second, third, elsewhere) == (True, True, False, True)
        assert rung == []
    assert rung == [("t", 3)]
    with lane("a", or_ring=("t", 5)) as again:
        assert again
    assert rung == [("t", 3)]


def test_each_that_was_turned_away_is_rung_for_once_in_its_order(rung: list[tuple[str, int]]) -> None:
    with lane("a", or_ring=("t", 1)), lane("a", or_ring=("t", 2)):
        for pk in (3, 4, 3, 5):
            with lane("a", or_ring=("t", pk)) as is_free:
                assert not is_free
    assert rung == [("t", 3), ("t", 4)]
    with lane("a", or_ring=("t", 3)):
        pass
    assert rung == [("t", 3), ("t", 4), ("t", 5)]


def test_a_worker_of_one_thread_works(rung: list[tuple[str, int]], settings) -> None:
    settings.ENV = {**settings.ENV, "WORKER_THREADS": 1}
    for _ in range(2):
        with lane("a", or_ring=("t", 1)) as is_free:
            assert is_free


def test_an_error_leaves_room(rung: list[tuple[str, int]]) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), lane("a", or_ring=("t", 1)):
            1 / 0  # noqa: B018
