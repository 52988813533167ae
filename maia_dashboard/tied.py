"""`python -m maia_dashboard.tied COMMAND…`: becomes the command, which ends when the process that started it ends."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the line above
        sys.exit(1)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the arguments are the supervisor's own


if __name__ == "__main__":
    main()
