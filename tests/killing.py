"""Work in a process of its own, which may be killed in the middle of it."""

import os
import signal
from collections.abc import Callable

from django.db import connections

from apps.projects.models import Project
from apps.provisioning import services, steps


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


def is_killed_after(project: Project, step: str) -> bool:
    """Has a child set the project up and die when the step has had its effect; False if it never comes so far."""

    def die(project_pk: int) -> None:
        steps.ACTIONS[step](project_pk)
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        services.ACTIONS = {**steps.ACTIONS, step: die}
        services.advance(project)

    return exit_of_child(work) == -signal.SIGKILL
