"""Work in a process of its own, which may be killed in the middle of it."""

import os
from collections.abc import Callable

from django.db import connections


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
