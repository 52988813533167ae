"""Carrying a run on as the worker and beat do, without them."""

from __future__ import annotations

import signal
from collections.abc import Callable

from apps.jobs import services
from apps.jobs.models import Run
from tests.killing import exit_of_child
from tests.waiting import wait_until


def drive(run: Run, *until: str, timeout_seconds: float = 60) -> Run:
    """Advance the run until it is in one of these states; without any, until it is over and cleaned up."""

    def is_there() -> bool:
        run.refresh_from_db()
        if not until:
            return run.cleaned_at is not None
        return run.status in until

    def advanced() -> bool:
        if not is_there():
            services.advance(run)
        return is_there()

    wait_until(advanced, timeout_seconds)
    return run


def is_killed_at(run: Run, arm: Callable[[], None]) -> bool:
    """Advances the run in a process of its own that is armed to die; whether it did."""

    def advance() -> None:
        arm()
        services.advance(run)

    return exit_of_child(advance) == -signal.SIGKILL
