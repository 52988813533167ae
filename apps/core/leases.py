"""A lease in the database: of two sweeps that start at once, one works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps

from django.conf import settings
from django.utils import timezone

from apps.core.models import Lease


@contextmanager
def lease(name: str, *, seconds: float) -> Iterator[bool]:
    """Yields whether the lease was had. It ends with the block, and after `seconds` at the latest."""
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    Lease.objects.get_or_create(name=name, defaults={"held_until": now - timedelta(seconds=1)})
    had = bool(Lease.objects.filter(name=name, held_until__lte=now).update(held_until=until))
    try:
        yield had
    finally:
        if had:
            Lease.objects.filter(name=name, held_until=until).update(held_until=timezone.now())


def under_lease(name: str, *, seconds: float | None = None) -> Callable[[Callable[[], object]], Callable[[], None]]:
    """A sweep that only the holder of the lease does, for CLAIM_SECONDS or `seconds`; all others return at once."""

    def decorate(sweep: Callable[[], object]) -> Callable[[], None]:
        @wraps(sweep)
        def alone() -> None:
            with lease(name, seconds=seconds or settings.CLAIM_SECONDS) as had:
                if had:
                    sweep()

        return alone

    return decorate
