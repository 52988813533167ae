import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.starting import CommandMissing, LeftBehind, ServerFailed, require, running, throwaway_folder
from tests.portal import REPOSITORY
from tests.waiting import wait_until

pytestmark = pytest.mark.peers


def test_a_server_that_ends_at_once_fails_with_its_last_words(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo no such port; exit 3"]
    with (
        pytest.raises(ServerFailed, match=r"(?s)broken ended with 3.*no such port"),
        running(command, log=tmp_path / "broken.log", answers=lambda: False),
    ):
        pass


def test_a_server_that_never_answers_fails_and_is_ended(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerFailed, match="silent does not answer"),
        running(["sleep", "600"], log=tmp_path / "silent.log", answers=lambda: False, timeout_seconds=0.3),
    ):
        pass


def _sleeping_in(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["sleep", "600"], cwd=folder)
    wait_until(lambda: b"sleep" in Path(f"/proc/{process.pid}/cmdline").read_bytes(), 30)
    return process


def test_what_lives_on_in_a_folder_is_named() -> None:
    with pytest.raises(LeftBehind, match="sleep 600"), throwaway_folder() as folder:
        process = _sleeping_in(folder)
    process.kill()
    process.wait()
    assert not folder.exists()


def test_a_missing_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "packages.txt").write_text("one\ntwo\n")
    with pytest.raises(CommandMissing, match=r"no-such-server missing: .* one two$"):
        require(["sh", "no-such-server"], tmp_path / "packages.txt")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_addresses_and_stops_all(number: signal.Signals, tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("w") as lines:
        process = subprocess.Popen([sys.executable, "-m", "tests.peers", "redis", "mail"], cwd=REPOSITORY, stdout=lines)
    wait_until(lambda: "Ctrl-C" in output.read_text(), 30)
    assert "redis: redis://:" in output.read_text()
    assert "mail: smtp://127.0.0.1:" in output.read_text()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    process.send_signal(number)
    process.send_signal(number)
    assert process.wait(30) == 0
    assert not Path("/proc", children[0]).exists()


def test_servers_end_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("w") as lines:
        process = subprocess.Popen([sys.executable, "-m", "tests.peers", "redis"], cwd=REPOSITORY, stdout=lines)
    wait_until(lambda: "Ctrl-C" in output.read_text(), 30)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    folder = Path(os.readlink(f"/proc/{child}/cwd"))
    process.kill()
    process.wait()
    wait_until(lambda: not Path("/proc", child).exists())
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.parent.rmdir()
