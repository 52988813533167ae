"""Keeps the portal's processes running as one foreground program, and leaves none behind."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType

LOOK_SECONDS = 0.2
STOP_SECONDS = 15
LONGEST_PAUSE_SECONDS = 30


@dataclass
class Child:
    """One process that is started again, after a growing pause, when it dies."""

    name: str
    argv: Sequence[str]
    log: logging.Logger
    process: subprocess.Popen[str] | None = None
    started_at: float = 0
    start_again_at: float = 0
    deaths: int = 0

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "maia_dashboard.tied", *self.argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor only, which then stops in order
        )
        threading.Thread(target=self._drain, args=(self.process,), daemon=True).start()

    def look(self) -> None:
        """Starts the process if it is due."""
        if self.process is not None and self.process.poll() is not None:
            self._note_death(self.process.returncode)
        if self.process is None and time.monotonic() >= self.start_again_at:
            self.start()

    def _note_death(self, code: int) -> None:
        lived = time.monotonic() - self.started_at
        self.deaths = 1 if lived > LONGEST_PAUSE_SECONDS else self.deaths + 1
        pause = min(0.5 * 2 ** (self.deaths - 1), LONGEST_PAUSE_SECONDS)
        self.log.warning("%s ended with %s, starts again in %.1f s", self.name, code, pause)
        self.process, self.start_again_at = None, time.monotonic() + pause

    def _drain(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            for line in process.stdout:
                self.log.info("%s", line.rstrip())


@dataclass
class Supervisor:
    children: list[Child]
    is_stopping: bool = field(default=False, init=False)

    def run(self) -> None:
        """Returns after SIGINT or SIGTERM, when every process has ended."""
        with self._signals():
            while not self.is_stopping:
                for child in self.children:
                    child.look()
                time.sleep(LOOK_SECONDS)
            self._stop()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def _stop(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def rotating_log(path: Path) -> logging.Logger:
    """One file for the output of all processes, 10 MiB at most, five generations."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    logger = logging.getLogger("portal.children")
    logger.handlers = [RotatingFileHandler(path, maxBytes=10 * 1024**2, backupCount=5)]
    logger.propagate = False
    return logger
