"""What waits while a batch is done is the next one; each gets its own result, and each hears of a failure."""

import threading
from collections.abc import Sequence

import pytest

from apps.archives.dimse.gathering import Gathering
from tests.waiting import wait_until

pytestmark = pytest.mark.race


class Slow:
    """Doubles numbers, held up until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.batches: list[tuple[str, list[int]]] = []

    def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        self.batches.append((key, sorted(items)))
        assert self.go.wait(20)
        if 13 in items:
            raise ValueError(key)
        return [2 * item for item in items]


def doubled(slow: Slow, asked: Sequence[tuple[str, int]]) -> dict[int, int | str]:
    """Asks one after another, each from a thread of its own; the first holds up those of its key."""
    gathering: Gathering[str, int, int] = Gathering(slow)
    found: dict[int, int | str] = {}

    def ask(key: str, item: int) -> None:
        try:
            found[item] = gathering.do(key, item)
        except ValueError as error:
            found[item] = f"failed {error}"

    threads = [threading.Thread(target=ask, args=one) for one in asked]
    for number, thread in enumerate(threads):
        thread.start()
        if number == 0:
            wait_until(lambda: slow.batches)
    wait_until(lambda: sum(map(len, gathering._waiting.values())) == sum(key == asked[0][0] for key, _ in asked) - 1)
    slow.go.set()
    for thread in threads:
        thread.join(20)
    return found


def test_those_who_wait_go_together() -> None:
    slow = Slow()
    assert doubled(slow, [("a", 1), ("a", 2), ("a", 3), ("b", 4)]) == {1: 2, 2: 4, 3: 6, 4: 8}
    assert sorted(slow.batches) == [("a", [1]), ("a", [2, 3]), ("b", [4])]


def test_a_failure_is_of_its_batch_alone() -> None:
    slow = Slow()
    assert doubled(slow, [("a", 1), ("a", 13), ("a", 3)]) == {1: 2, 13: "failed a", 3: "failed a"}
