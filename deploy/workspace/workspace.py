"""The first process of a workspace: prepares the home folder, keeps the servers running, ends them all on SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

HOME, OWN = Path("/home/maia"), Path("/home/maia/.workspace")
HOST_KEY = OWN / "ssh_host_ed25519_key"
SCREEN = "/tmp/screen"  # noqa: S108 - the pod's own /tmp
X_LOCKS = (Path("/tmp/.X1-lock"), Path("/tmp/.X11-unix/X1"))  # noqa: S108
GRACE_SECONDS, RESTART_SECONDS = 8, 2

# The screen has no port of its own: it is reached through the WebSocket alone.
SERVERS = {
    "ssh": ["/usr/sbin/sshd", "-D", "-e", "-f", "/opt/workspace/sshd_config"],
    "jupyter": [
        "jupyter-lab",
        "--no-browser",
        "--ServerApp.ip=0.0.0.0",
        "--ServerApp.port=8888",
        "--ServerApp.port_retries=0",
        f"--ServerApp.base_url={os.environ.get('BASE_URL', '/')}",
        f"--ServerApp.root_dir={HOME}",
        "--ServerApp.allow_remote_access=True",
        "--IdentityProvider.token=",
    ],
    "screen": [
        *("Xtigervnc", ":1", "-SecurityTypes", "None", "-rfbport", "-1", "-rfbunixpath", SCREEN),
        *("-nolisten", "tcp", "-geometry", "1440x900", "-desktop", "Workspace"),
    ],
    "windows": ["openbox"],
    "panel": ["tint2"],
    "websocket": ["websockify", "--web=/usr/share/novnc", "--file-only", f"--unix-target={SCREEN}", "6080"],
}


def main() -> None:
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    prepare()
    running = {_start(name): name for name in SERVERS}
    try:
        while True:
            _replace_one(running)
    except SystemExit:
        _stop(running)
        raise


def prepare() -> None:
    """The home folder of a new volume is empty; that of an older one may have been opened to the pod's group."""
    os.umask(0o077)
    OWN.mkdir(exist_ok=True)
    if not HOST_KEY.exists():
        unfinished = OWN / "new"
        unfinished.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", unfinished], check=True)
        unfinished.with_suffix(".pub").unlink()
        unfinished.rename(HOST_KEY)
    HOST_KEY.chmod(0o600)
    for lock in X_LOCKS:  # of a container that was killed in this pod
        lock.unlink(missing_ok=True)


def _start(name: str) -> int:
    # Not by subprocess, which would take away the ends of processes that are waited for here.
    return os.posix_spawnp(SERVERS[name][0], SERVERS[name], os.environ, setsid=True)


def _replace_one(running: dict[int, str]) -> None:
    """Waits for a process to end; being the first, this one inherits those of others as well."""
    ended, status = os.wait()
    if name := running.pop(ended, None):
        sys.stderr.write(f"{name} ended with {os.waitstatus_to_exitcode(status)}, starting it again\n")
        time.sleep(RESTART_SECONDS)
        running[_start(name)] = name


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _stop(running: dict[int, str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in running:
            os.killpg(process, number)
        deadline = time.monotonic() + GRACE_SECONDS
        while running and time.monotonic() < deadline:
            running.pop(os.waitpid(-1, os.WNOHANG)[0], None)
            time.sleep(0.05)


if __name__ == "__main__":
    main()
