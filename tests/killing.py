"""Work in a process of its own, which may be killed in the middle of it."""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils import timezone

from apps.core.models import Step
from apps.projects.models import MembershipChange, Project
from apps.provisioning import members, services, steps


def child_at(work: Callable[[], object]) -> int:
    """Does the work in a forked child; its process id."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def exit_of_child(work: Callable[[], object]) -> int:
    """Does the work in a forked child; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child_at(work), 0)[1])


def die(*_: object, **__: object) -> None:
    """In place of something else: what calls it is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def is_killed(work: Callable[[], object]) -> bool:
    """Does the work in a process that dies of it, as after `die` in place of one of its steps."""
    was_killed = exit_of_child(work) == -signal.SIGKILL
    connections.close_all()
    return was_killed


def lines_of(work: Callable[[], object], files: tuple[str, ...], *, last: int | None = None) -> int:
    """Does the work, and kills the process before the line of that number in these files; how many there were."""
    number = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal number
        if not frame.f_code.co_filename.endswith(files):
            return None
        if event == "line":
            number += 1
            if number == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return number


def is_killed_after(project: Project, step: str) -> bool:
    """Has a child set the project up and die when the step has had its effect; False if it never comes so far."""

    def work() -> None:
        services.ACTIONS = {**steps.ACTIONS, step: _dying(steps.ACTIONS[step])}
        services.advance(project)

    return exit_of_child(work) == -signal.SIGKILL


def is_member_killed_after(change: MembershipChange, step: str) -> bool:
    """The same for what is set up for a member."""

    def work() -> None:
        members.ACTIONS = {**members.ACTIONS, step: _dying(members.ACTIONS[step])}
        members.advance(change)

    return exit_of_child(work) == -signal.SIGKILL


def end_claims() -> None:
    """As if the claims of all workers were from so long ago that they hold no more."""
    Step.objects.update(status_changed_at=timezone.now() - timedelta(seconds=settings.CLAIM_SECONDS + 1))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _dying(act: Callable[[int], None]) -> Callable[[int], None]:
    def die(pk: int) -> None:
        act(pk)
        os.kill(os.getpid(), signal.SIGKILL)

    return die
