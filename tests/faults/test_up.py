"""`manage.py up` as a stranger meets it: starts, is killed, starts again, refuses with one sentence."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import is_running
from tests.portal import REPOSITORY, Portal, environment, free_port, running_portal
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
BARE = {"SAMPLE_PROJECT": "false"}


def refused(var: Path, **settings: str) -> str:
    """What `up` says when it cannot start."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=REPOSITORY,
        env=environment(**{**BARE, "VAR_DIR": str(var), "PORT": str(free_port()), **settings}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def descendants(pid: int) -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(a): int(b) for a, b in (line.split() for line in listed.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def test_second_start_keeps_secrets_and_people_and_stops_whole(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with running_portal(var, **BARE) as portal:
        assert len(portal.one_time_password()) >= 16
        secret = (var / "secret_key").read_text()
        assert (var / "secret_key").stat().st_mode & 0o777 == 0o600
        children = descendants(portal.process.pid)  # type: ignore[union-attr]
        wait_until(lambda: set(portal.processes()) == {"web", "worker", "beat"})
        assert portal.stop(signal.SIGINT) == 0
        assert not [pid for pid in children if is_running(pid)]
    again = Portal(var, **BARE)
    again.output = tmp_path / "again.out"
    try:
        again.start()
        assert "One-time password" not in again.output.read_text()
        assert (var / "secret_key").read_text() == secret
        assert again.rows("SELECT count(*) FROM accounts_user") == [(1,)]
    finally:
        again.stop()


def test_killed_children_are_started_again(tmp_path: Path) -> None:
    with running_portal(tmp_path / "var", **BARE, PLATFORM="kubernetes") as portal:
        wait_until(lambda: set(portal.processes()) == {"web", "worker", "beat", "watcher"})
        for kind, pid in portal.processes().items():
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda kind=kind, pid=pid: portal.processes().get(kind, pid) != pid, 20)  # type: ignore[misc]
        wait_until(portal._answers, 30)
        children = descendants(portal.process.pid)  # type: ignore[union-attr]
        assert portal.stop() == 0
        assert not [pid for pid in children if is_running(pid)]


def test_children_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    with running_portal(tmp_path / "var", **BARE) as portal:
        children = descendants(portal.process.pid)  # type: ignore[union-attr]
        assert children
        portal.stop(signal.SIGKILL)
        wait_until(lambda: not [pid for pid in children if is_running(pid)], 20)


def test_busy_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} cannot be used" in refused(tmp_path / "var", PORT=str(port))


def test_second_portal_in_the_same_folder(tmp_path: Path) -> None:
    with running_portal(tmp_path / "var", **BARE) as portal:
        assert "A portal runs already" in refused(tmp_path / "var", PORT=str(portal.port))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(tmp_path / "file" / "var")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "99999"),
        ("WEB_THREADS", "0"),
        ("SWEEP_SECONDS", "-1"),
        ("SAMPLE_PROJECT", "maybe"),
    ],
)
def test_setting_that_cannot_be_used(tmp_path: Path, name: str, value: str) -> None:
    assert name in refused(tmp_path / "var", **{name: value})


def test_interrupted_while_it_prepares(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=REPOSITORY,
        env=environment(VAR_DIR=str(var), PORT=str(free_port())),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as starting:
        wait_until((var / "db.sqlite3").exists, 20)
        starting.send_signal(signal.SIGINT)
        assert starting.communicate(timeout=30)[1] == "Stopped before it was done.\n"
        assert starting.returncode != 0


def test_a_python_without_the_packages_is_told_which_one_has_them() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "manage.py", "api_token", "ida@uni.example"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "This Python has no Django: use `.venv/bin/python`, which `make run` makes.\n"
