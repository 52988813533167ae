"""Works that start in the same moment, each with a connection of its own."""

import threading
from collections.abc import Callable

from django.db import connection


def at_once(*works: Callable[[], object], refused: type[Exception] | tuple[()] = ()) -> list[Exception]:
    """Does all of it in threads that start together; the refusals. All else that was raised is raised here."""
    start, raised = threading.Barrier(len(works)), list[Exception]()

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again below, in the test's own thread
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in raised:
        if not isinstance(error, refused):
            raise error
    return raised
