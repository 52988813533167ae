"""Work that is cheaper together: who comes while one batch is done makes the next one."""

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")


@dataclass
class _Waiting(Generic[I, R]):
    item: I
    results: list[R]
    error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return bool(self.results) or self.error is not None


class Gathering(Generic[K, I, R]):
    """`act` does the items of a key that wait, and returns one result for each; of one key never twice at once."""

    def __init__(self, act: Callable[[K, Sequence[I]], Sequence[R]]) -> None:
        self._act = act
        self._changed = threading.Condition()
        self._waiting: defaultdict[K, list[_Waiting[I, R]]] = defaultdict(list)
        self._busy: set[K] = set()

    def do(self, key: K, item: I) -> R:
        """Waits for the result of the item. What `act` raises is raised for each item that it was at."""
        mine: _Waiting[I, R] = _Waiting(item, [])
        with self._changed:
            self._waiting[key].append(mine)
            self._changed.wait_for(lambda: mine.is_done or key not in self._busy)
            batch = [] if mine.is_done else self._waiting.pop(key)
            if batch:
                self._busy.add(key)
        if batch:
            self._do_all(key, batch)
        if mine.error:
            raise mine.error
        return mine.results[0]

    def _do_all(self, key: K, batch: Sequence[_Waiting[I, R]]) -> None:
        try:
            results = self._act(key, [one.item for one in batch])
            for one, result in zip(batch, results, strict=True):
                one.results.append(result)
        except BaseException as error:  # noqa: BLE001 - raised again for each of them
            for one in batch:
                one.error = error
        finally:
            with self._changed:
                self._busy.discard(key)
                self._changed.notify_all()
