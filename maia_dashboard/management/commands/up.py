"""`manage.py up`: the whole portal on this machine, in the foreground."""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.accounts.services import ensure_first_administrator
from apps.archives.services import reader
from apps.dashboard.sample import load_sample_project
from apps.jobs.services import stop_all_processes, sync_bundled
from maia_dashboard.supervisor import Child, Supervisor, rotating_log

READY_SECONDS = 60


class Command(BaseCommand):
    help = "Prepares and runs the whole portal on this machine until Ctrl-C."
    requires_system_checks = []  # they run with migrate

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--prepare-only", action="store_true", help="prepare everything and start nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        held = _only_one()
        _check_port("PORT", settings.ENV["BIND"], settings.ENV["PORT"])
        if settings.DIMSE_PORT:
            _check_port("DIMSE_PORT", settings.ENV["DIMSE_BIND"], settings.DIMSE_PORT)
        os.environ["TMPDIR"] = str(settings.VAR_DIR / "tmp")
        with _ended_by_interrupt():
            self._prepare()
        if not options["prepare_only"]:
            self._supervise()
        held.close()

    def _prepare(self) -> None:
        _empty_queue()
        call_command("migrate", verbosity=0, interactive=False)
        _collect_static()
        self._administrator()
        sync_bundled()
        self._sample_project()

    def _administrator(self) -> None:
        made = ensure_first_administrator(email=settings.ENV["ADMIN_EMAIL"])
        if made:
            user, password = made
            self._say(f"First administrator: {user.email}\nOne-time password:   {password}  (shown only now)")

    def _sample_project(self) -> None:
        owner = User.objects.filter(platform_role=User.PlatformRole.ADMINISTRATOR).order_by("pk").first()
        if settings.ENV["SAMPLE_PROJECT"] and owner is not None:
            load_sample_project(owner)
            reader().close()

    def _supervise(self) -> None:
        log_path = settings.VAR_DIR / "log" / "portal.log"
        log = rotating_log(log_path)
        supervisor = Supervisor([Child(name, argv, log) for name, argv in _commands().items()])
        watcher = threading.Thread(target=self._announce, args=(log_path,), daemon=True)
        watcher.start()
        supervisor.run()
        stop_all_processes()
        self._say("Stopped.")

    def _announce(self, log_path: Path) -> None:
        if _wait_until(_is_ready, READY_SECONDS):
            self._say(f"The portal runs at {settings.PUBLIC_URL}  (log: {log_path}; stop with Ctrl-C)")
        else:
            self._say(f"The portal does not answer after {READY_SECONDS} s: see {log_path}.")

    def _say(self, sentence: str) -> None:
        # Into a pipe or a file it would be kept back until the end, the one-time password with it.
        self.stdout.write(sentence)
        self.stdout.flush()


def _commands() -> dict[str, list[str]]:
    celery = [sys.executable, "-m", "celery", "-A", "celery_worker", "--quiet"]
    worker = ["--pool=threads", f"--concurrency={settings.ENV['WORKER_THREADS']}"]
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    watcher = {"watcher": [*manage, "watch_runs"]}
    dimse = {"dimse": [*manage, "dimse"]}
    return {
        "web": [sys.executable, "-m", "gunicorn", "-c", "python:maia_dashboard.gunicorn_conf", "maia_dashboard.wsgi"],
        "worker": [
            *celery,
            "worker",
            *worker,
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=WARNING",
        ],
        "beat": [
            *celery,
            "beat",
            f"--schedule={settings.VAR_DIR / 'tmp' / 'beat'}",
            "--pidfile=",
            "--loglevel=WARNING",
        ],
        **(watcher if settings.PLATFORM == "kubernetes" else {}),
        **(dimse if settings.DIMSE_PORT else {}),
    }


@contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Ctrl-C ends the process at once; what it writes is whole or not there. KeyboardInterrupt would be lost where it
    is raised inside a callback of SQLite or of the garbage collector."""
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(sys.stderr.fileno(), b"Stopped before it was done.\n")
    os._exit(128 + number)


def _only_one() -> TextIO:
    """Holds the folder for this portal; the system lets go of it when the process ends, however it ends."""
    held: TextIO = (settings.VAR_DIR / "up.lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(
            f"A portal runs already with the folder {settings.VAR_DIR}: stop it, or set VAR_DIR to another folder."
        ) from None
    return held


def _check_port(name: str, address: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}): stop what uses it, or choose another, "
                f"for example `make run {name}={port + 1}`."
            ) from None


def _empty_queue() -> None:
    """Messages are only bells, and one that a killed process left half-written would stop the worker."""
    folder = settings.VAR_DIR / "queue"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "control").mkdir(mode=0o700, parents=True)


def _collect_static() -> None:
    """Only when something changed: it takes longer than all the rest of a start."""
    stamp = settings.VAR_DIR / "static.stamp"
    now = _static_fingerprint()
    if not stamp.exists() or stamp.read_text() != now:
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(now)


def _static_fingerprint() -> str:
    found = hashlib.sha256()
    for path in sorted(Path(settings.BASE_DIR / "static").rglob("*")):
        found.update(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n".encode())
    for name in ("requirements.txt", "maia_dashboard/settings/files.py"):
        found.update((settings.BASE_DIR / name).read_bytes())
    return found.hexdigest()


def _is_ready() -> bool:
    address = f"http://127.0.0.1:{settings.ENV['PORT']}/healthz/ready"
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    pause = threading.Event()
    for _ in range(int(seconds * 5)):
        if condition():
            return True
        pause.wait(0.2)
    return False
