"""Starts one run from a process of its own: `python -m tests.integrations.starter <runs root> <request.json> [no-
namespaces]`.

With `no-namespaces` the kernel refuses the launcher every new namespace, as it does inside many containers. The starter
then prints `started` and waits, so that a test can kill it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from apps.integrations.executors.confinement import CLONE_NEWUSER
from apps.integrations.executors.port import RunSpec
from apps.integrations.executors.process import ProcessExecutor
from apps.integrations.executors.rundir import decode_request, encode_request

REPOSITORY = Path(__file__).resolve().parents[2]


def start_elsewhere(root: Path, run: RunSpec, *, namespaces: bool, environment: dict[str, str] | None = None) -> None:
    """Start the run from another process, which is killed by SIGKILL as soon as it has."""
    request = root.parent / f"{run.name}.request.json"
    request.write_text(encode_request(run))
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.integrations.starter", root, request, *([] if namespaces else ["no-namespaces"])],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        env=os.environ | (environment or {}),
    )
    assert starter.stdout
    with starter.stdout:
        assert starter.stdout.readline() == b"started\n"
        starter.kill()
        starter.wait()


def _refuse_namespaces() -> None:
    user_id, group_id = os.geteuid(), os.getegid()
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0:
        return
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user_id} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group_id} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


if __name__ == "__main__":
    if "no-namespaces" in sys.argv:
        _refuse_namespaces()
    ProcessExecutor(Path(sys.argv[1])).start(decode_request(Path(sys.argv[2]).read_text()))
    print("started", flush=True)
    signal.pause()
