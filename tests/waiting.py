import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], timeout_seconds: float = 10) -> None:
    """Looks again and again until the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {timeout_seconds} s"
        time.sleep(0.05)
