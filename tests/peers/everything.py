"""All tests on the real servers, as `make test-peers` runs them: `python -m tests.peers.everything`.

They mostly wait for the servers, so two rows of them run side by side: those that need the cluster, once it is built;
and those of one machine on PostgreSQL and Redis, for which nothing is built, followed by those on the other servers.
Which took the longest is printed, since their waits are what all of it takes.
"""

import subprocess
import sys

from tests.portal import REPOSITORY

REPORT = REPOSITORY / "build" / "other-servers.log"
PYTHON = [sys.executable, "-m"]
BUILDING = [*PYTHON, "tests.peers.building"]
ONE_MACHINE = ["nice", "-n", "19", *PYTHON, "tests.peers.one_machine"]
PYTEST = [*PYTHON, "pytest", "-q", "--durations", "25", "-m"]


def main() -> int:
    REPORT.parent.mkdir(exist_ok=True)
    command = [*PYTHON, "tests.peers.everything", "others"]
    with REPORT.open("wb") as report, subprocess.Popen(command, stdout=report, stderr=subprocess.STDOUT) as others:
        on_cluster = _run(BUILDING) or _run([*PYTEST, "peers and cluster"])
        on_others = others.wait()
    print(REPORT.read_text(), flush=True)
    return on_cluster or on_others


def main_of_others() -> int:
    return max(_run(ONE_MACHINE), _run([*PYTEST, "peers and not cluster"]))


def _run(command: list[str]) -> int:
    """What it returned; Ctrl-C, which reaches it too, lets it stop its servers first."""
    with subprocess.Popen(command, cwd=REPOSITORY) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise


if __name__ == "__main__":
    sys.exit(main_of_others() if sys.argv[1:] == ["others"] else main())
