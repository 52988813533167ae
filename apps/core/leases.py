"""A lease in the database: of two sweeps that start at once, one works.

It is short, and renewed while its holder lives, so that one that is killed keeps others waiting for LEASE_SECONDS at
most. A holder that was paused for longer has lost it to whoever came meanwhile, and finds out by `check` before it
changes anything outside.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps

from django.utils import timezone

from apps.core.models import Lease
from apps.core.renewal import renewed

LEASE_SECONDS = 30.0


class LeaseLost(Exception):
    """The lease ran out, and somebody else has had it since."""


class Held:
    """A lease that is one's own. Made by `lease` only."""

    def __init__(self, name: str, until: datetime) -> None:
        self._name = name
        self._until: datetime | None = until
        self._renewing = threading.Lock()

    def check(self) -> None:
        """Prolongs the lease. Raises LeaseLost."""
        if not self.renew():
            raise LeaseLost(self._name)

    def renew(self) -> bool:
        """Whether the lease is still one's own: nobody else has had it, so it holds for its full time again."""
        return self._set(_from_now())

    def release(self) -> None:
        """Lets others have it at once, for good. Nothing happens if it was lost."""
        self._set(timezone.now())
        self._until = None

    def _set(self, until: datetime) -> bool:
        with self._renewing:
            if self._until is None:
                return False
            mine = Lease.objects.filter(name=self._name, held_until=self._until)
            if not mine.update(held_until=until):
                return False
            self._until = until
            return True


@contextmanager
def lease(name: str) -> Iterator[Held | None]:
    """Yields the lease, or None when somebody else has it. It ends with the block."""
    held = _take(name)
    if held is None:
        yield None
        return
    try:
        with renewed(held.renew, every_seconds=LEASE_SECONDS / 3):
            yield held
    finally:
        held.release()


def are_held(names: Iterable[str]) -> set[str]:
    """Those of the leases that somebody has now."""
    held = Lease.objects.filter(name__in=list(names), held_until__gt=timezone.now())
    return set(held.values_list("name", flat=True))


def under_lease(name: str) -> Callable[[Callable[[], object]], Callable[[], None]]:
    """A sweep that only the holder of the lease does; all others return at once."""

    def decorate(sweep: Callable[[], object]) -> Callable[[], None]:
        @wraps(sweep)
        def alone() -> None:
            with lease(name) as had:
                if had:
                    sweep()

        return alone

    return decorate


def _take(name: str) -> Held | None:
    now, until = timezone.now(), _from_now()
    Lease.objects.get_or_create(name=name, defaults={"held_until": now - timedelta(seconds=1)})
    is_had = Lease.objects.filter(name=name, held_until__lte=now).update(held_until=until)
    return Held(name, until) if is_had else None


def _from_now() -> datetime:
    return timezone.now() + timedelta(seconds=LEASE_SECONDS)
