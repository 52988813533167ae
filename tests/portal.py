"""The whole portal as a stranger starts it: `manage.py up` in a folder of its own, on loopback."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from maia_dashboard.environment import SETTINGS
from tests.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parent.parent
ADMINISTRATOR = "admin@localhost.localdomain"
# Sweeps and claims are short, so that a test sees in seconds what takes a minute in life.
QUICK = {"SWEEP_SECONDS": "2", "CLAIM_SECONDS": "3", "OBSERVE_SECONDS": "1", "WEB_PROCESSES": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**settings: str) -> dict[str, str]:
    """The environment of a portal of its own: nothing of the settings that the tests themselves run with."""
    own = {"DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED", *(setting.name for setting in SETTINGS)}
    return {**{name: value for name, value in os.environ.items() if name not in own}, **QUICK, **settings}


class Portal:
    def __init__(self, var: Path, port: int | None = None, **settings: str) -> None:
        self.var = var
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = var.parent / f"{var.name}.out"
        self.environment = environment(VAR_DIR=str(var), PORT=str(self.port), **settings)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_seconds: float = 90) -> "Portal":
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._answers, timeout_seconds)
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def manage(self, *arguments: str) -> str:
        """What the command prints; raises CalledProcessError with what it complained of."""
        command = [sys.executable, "manage.py", *arguments]
        try:
            done = subprocess.run(
                command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, check=True
            )
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise
        return done.stdout.strip()

    def one_time_password(self) -> str:
        found = re.search(r"One-time password:\s+(\S+)", self.output.read_text())
        assert found, self.output.read_text()
        return found[1]

    def mails_to(self, address: str) -> list[str]:
        """Texts of the mails to this address, oldest first."""
        paths = sorted((self.var / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        messages = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
        return [str(m.get_body(("plain",)).get_content()) for m in messages if m["To"] == address]

    def link_to(self, address: str, pattern: str) -> str:
        """The newest link that matches in the mails to this address; waits for it."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [link for text in self.mails_to(address) for link in re.findall(rf"{self.url}{pattern}", text)]
            return bool(found)

        wait_until(is_there, 30)
        return found[-1]

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.var / "db.sqlite3", timeout=20)
        try:
            return connection.execute(query, parameters).fetchall()
        finally:
            connection.close()

    def processes(self) -> dict[str, int]:
        """Primary process ids of the portal's children by what they are: web, worker, beat, watcher, dimse."""
        assert self.process is not None
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        kinds = {"gunicorn": "web", " worker ": "worker", " beat ": "beat", " watch_runs": "watcher", " dimse": "dimse"}
        found = {}
        for line in listed.splitlines():
            pid, _, arguments = line.strip().partition(" ")
            found.update({kind: int(pid) for mark, kind in kinds.items() if mark in arguments})
        return found


@contextmanager
def running_portal(var: Path, **settings: str) -> Iterator[Portal]:
    portal = Portal(var, **settings)
    try:
        yield portal.start()
    finally:
        if portal.process is not None and portal.process.poll() is None:
            portal.stop()
