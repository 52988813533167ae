"""All tests on the real servers, as `make test-peers` runs them: `python -m tests.peers.everything`.

The tests on the servers mostly wait for these; those of one machine on PostgreSQL and Redis use the time. Which took
the longest is printed, since their waits are what all of it takes.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.portal import REPOSITORY

REPORT = REPOSITORY / "build" / "one-machine.log"
PYTHON = [sys.executable, "-m"]
PEERS = ["pytest", "-q", "--durations", "40", "-m", "peers"]


def main() -> int:
    with _started([*PYTHON, "tests.peers.one_machine"]) as one_machine:
        on_servers = subprocess.run([*PYTHON, *PEERS], cwd=REPOSITORY, check=False).returncode
        result = one_machine.wait()
        print(REPORT.read_text(), flush=True)
    return on_servers or result


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """At the lowest priority; interrupted when left before its end."""
    REPORT.parent.mkdir(exist_ok=True)
    with (
        REPORT.open("wb") as report,
        subprocess.Popen(
            ["nice", "-n", "19", *command], cwd=REPOSITORY, stdout=report, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
