"""Runs a server for as long as it is needed: in a folder that is thrown away, its log beside its data."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

LOOPBACK = "127.0.0.1"
STOPPING = (signal.SIGINT, signal.SIGTERM)


class CommandMissing(Exception):
    """A server's command is not installed; says what to install."""


class ServerFailed(Exception):
    """A server ended or did not answer in time; its last words follow."""


class LeftBehind(Exception):
    """Processes or mounts of a folder outlived their server."""


def require(commands: Sequence[str], packages: Path) -> None:
    """Raises CommandMissing unless each command is there; `packages` lists the Debian packages that bring them."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        names = " ".join(packages.read_text().split())
        raise CommandMissing(f"{', '.join(missing)} missing: apt-get install --no-install-recommends {names}")


def own_folder(folder: Path, name: str) -> Path:
    """A new folder in it that a server's own user passes through."""
    own = folder / name
    own.mkdir()
    own.chmod(0o711)
    return own


@contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A folder that is removed in the end; raises LeftBehind when something still lives in it."""
    # Not below TMPDIR: podman takes no path over 50 characters, and a socket's name ends at 108.
    folder = Path(tempfile.mkdtemp(prefix="maia-peers-", dir="/tmp"))
    folder.chmod(0o711)  # a server's own user passes through to its data
    try:
        yield folder
    finally:
        processes, mounts = _processes_in(folder), mounts_in(folder)
        if not mounts:  # what is mounted may be somebody's
            shutil.rmtree(folder)
        if processes or mounts:
            raise LeftBehind("; ".join([*processes, *mounts]))


def mounts_in(folder: Path) -> list[str]:
    """Mount points below the folder, innermost first."""
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [point for point in reversed(points) if Path(point).is_relative_to(folder)]


def _processes_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in arguments or (process / "cwd").readlink().is_relative_to(folder):
                found.append(f"{process.name} {arguments}")
    return found


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    answers: Callable[[], object],
    timeout_seconds: float = 60,
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """The server from its first answer on; ended in the end, also when this process is killed.

    It runs as `user` where this process is root's. Raises ServerFailed with the end of its log.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_bound_to_us(stop_signal, user), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            umask=0o022,  # the portal's own, which tests run under, would close the containers' roots to their users
            start_new_session=True,  # Ctrl-C reaches the starter alone, which stops the servers in order
        )
    try:
        _await(process, answers, log, timeout_seconds)
        yield process
    finally:
        _stop(process, stop_signal)


def _bound_to_us(stop_signal: signal.Signals, user: str | None) -> list[str]:
    bound = ["setpriv", "--pdeathsig", stop_signal.name]
    if user is not None and os.geteuid() == 0:
        bound += ["--reuid", user, "--regid", user, "--init-groups"]
    return bound


def _await(process: subprocess.Popen[bytes], answers: Callable[[], object], log: Path, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            state = "does not answer" if process.returncode is None else f"ended with {process.returncode}"
            raise ServerFailed(f"{log.stem} {state}: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
    process.send_signal(stop_signal)
    with suppress(subprocess.TimeoutExpired):
        process.wait(30)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def accepts(port: int, host: str = LOOPBACK) -> bool:
    """Whether something takes connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def until_stopped(serve: Callable[[Path, ExitStack], None]) -> None:
    """Keeps what `serve` has started in a throwaway folder, until Ctrl-C or SIGTERM; then stops it all."""
    for number in STOPPING:
        signal.signal(number, _interrupt)
    try:
        with throwaway_folder() as folder, ExitStack() as servers:
            serve(folder, servers)
            print("Ctrl-C stops all.", flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        print("All stopped.")
    except CommandMissing as missing:
        sys.exit(str(missing))


def _interrupt(number: int, frame: FrameType | None) -> None:
    # What has begun to stop is stopped to its end: a second Ctrl-C changes nothing.
    for stopping in STOPPING:
        signal.signal(stopping, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def hanging_server() -> Iterator[int]:
    """A port of loopback that takes every connection and never answers."""
    with socket.create_server((LOOPBACK, 0), backlog=1024) as listening:
        yield int(listening.getsockname()[1])


def output_of(
    command: Sequence[str | Path],
    sent: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float = 600,
    folder: Path | None = None,
) -> str:
    """What a command prints; raises CalledProcessError with what it complained of."""
    try:
        done = subprocess.run(
            command,
            input=sent,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout_seconds,
            cwd=folder,
            umask=0o022,
        )
    except subprocess.CalledProcessError as error:
        error.add_note(error.stdout + error.stderr)
        raise
    return done.stdout
