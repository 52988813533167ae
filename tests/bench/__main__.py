"""`make bench`: every figure, each group in a process of its own."""

import os
import subprocess
import sys

GROUPS = (
    "pages",
    "members",
    "dicomweb",
    "over_orthanc",
    "memory",
    "uploads",
    "dimse",
    "export",
    "viewer",
    "runs",
    "collector",
    "hanging",
)


def main() -> int:
    asked = sys.argv[1:] or GROUPS
    return max(_run(group) for group in asked)


def _run(group: str) -> int:
    """Portals that it starts log as ever; what it asks in its own process does not stand between the figures."""
    quiet = {**os.environ, "LOG_LEVEL": "ERROR"}
    return subprocess.run([sys.executable, "-m", f"tests.bench.{group}"], env=quiet, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
