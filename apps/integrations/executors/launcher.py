"""The parent of one run: `python -m apps.integrations.executors.launcher <run directory>`.

It outlives the worker that began it, starts the algorithm locked in, watches its limits, ends all that it leaves
behind, and writes down how it ended. It imports no Django. If it is killed itself, the kernel kills the run, and its
free lock tells.

launcher ─ init (process 1 of the run's own tree where the system allows) ─ algorithm ─ whatever that starts
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from apps.integrations.executors import confinement
from apps.integrations.executors.cgroup import ProcessCeiling
from apps.integrations.executors.port import EndedBy, FileSystem, Network, RunSpec
from apps.integrations.executors.processes import Process, descendants, kill_descendants, own_threads, send
from apps.integrations.executors.rundir import Report, RunDirectory, decode_request, write_report
from apps.integrations.executors.watch import LogFile, Watch

POLL_SECONDS = 0.1
GRACE_SECONDS = 5
POLITE = {EndedBy.TIMEOUT, EndedBy.STOPPED, EndedBy.PLATFORM_STOPPED}


def main() -> None:
    """Detach, hold the run's lock, run it once. A second launcher of the same run leaves without a trace."""
    directory = RunDirectory(Path(sys.argv[1]))
    if os.fork():
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    lock = directory.take_lock()
    if lock is None or directory.started.exists() or directory.exit.exists():
        return
    run = decode_request(directory.request.read_text(encoding="utf-8"))
    directory.home.mkdir(exist_ok=True)
    directory.tmp.mkdir(exist_ok=True)
    Launch(directory, run).carry_out()


class Launch:
    """One run from its first to its last process."""

    def __init__(self, directory: RunDirectory, run: RunSpec) -> None:
        self.directory = directory
        self.run = run
        confinement.adopt_orphans()
        # Before the namespaces, in which this process has no more rights to control groups.
        self.ceiling = ProcessCeiling(run.name, run.limits.pids)
        self.network = confinement.isolate()
        self.file_system = confinement.file_confinement()
        self.platform_stops = False
        signal.signal(signal.SIGTERM, self._on_terminate)

    def carry_out(self) -> None:
        """Start, watch, clean up, report."""
        report: Report = {
            "started_at": datetime.now(UTC),
            "pid": os.getpid(),
            "node": socket.gethostname(),
            "network": self.network,
            "file_system": self.file_system,
        }
        write_report(self.directory.started, report)
        with LogFile(self.directory.log, self.run.limits.log_bytes) as log:
            report |= self._run_algorithm(log)
        report["ended_at"] = datetime.now(UTC)
        write_report(self.directory.exit, report)

    def _run_algorithm(self, log: LogFile) -> Report:
        output, output_end = os.pipe()
        failure, failure_end = os.pipe()
        go_end, go = os.pipe()
        init = os.fork()
        if init == 0:
            os.close(go)
            self._become_init(go_end, output_end, failure_end)
        for inherited in (output_end, failure_end, go_end):
            os.close(inherited)
        os.write(go, b"!")
        watch = Watch(self.run.limits, (self.run.output_directory, self.directory.home, self.directory.tmp))
        try:
            exit_code, ended_by = self._follow(init, output, log, watch)
        finally:
            kill_descendants()
            self.ceiling.remove()
        log.drain(output)
        if os.read(failure, 1):
            ended_by = EndedBy.START_FAILED
        children_peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return {
            "exit_code": exit_code,
            "ended_by": ended_by,
            "peak_memory_bytes": max(watch.peak_memory_bytes, children_peak),
        }

    def _follow(self, init: int, output: int, log: LogFile, watch: Watch) -> tuple[int, EndedBy | None]:
        """Pass the output on to the log until the algorithm has ended or was ended; its exit code and the reason."""
        ended_by, kill_at, next_look = None, 0.0, 0.0
        sources = [output]
        while True:
            if select.select(sources, [], [], POLL_SECONDS)[0] and not log.pass_on(output):
                sources = []
            ended, status = os.waitpid(init, os.WNOHANG)
            if ended:
                return _exit_code(status), ended_by
            if time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + POLL_SECONDS
            processes = descendants(os.getpid())
            if ended_by is None and (ended_by := self._reason_to_end(watch.check(processes))):
                kill_at = time.monotonic() + _ask_to_end(processes, init, ended_by)
            if ended_by and time.monotonic() >= kill_at:
                # First of all: in a tree of its own this ends even a fork bomb at once.
                os.kill(init, signal.SIGKILL)
                kill_descendants()
                return 128 + signal.SIGKILL, ended_by

    def _reason_to_end(self, exceeded: EndedBy | None) -> EndedBy | None:
        if self.directory.stop.exists():
            return EndedBy(self.directory.stop.read_text(encoding="utf-8"))
        return EndedBy.PLATFORM_STOPPED if self.platform_stops else exceeded

    def _on_terminate(self, *_: object) -> None:
        self.platform_stops = True

    def _become_init(self, go_end: int, output: int, failure: int) -> None:
        """The run's first process: starts the algorithm, collects orphans, leaves with the algorithm's exit code."""
        confinement.die_with_parent(signal.SIGKILL)
        if not os.read(go_end, 1):
            os._exit(128 + signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        algorithm = os.fork()
        if algorithm == 0:
            self._become_algorithm(output, failure)
        for inherited in (output, failure):
            os.close(inherited)
        while True:
            ended, status = os.wait()
            if ended == algorithm:
                os._exit(_exit_code(status))

    def _become_algorithm(self, output: int, failure: int) -> None:
        try:
            confinement.die_with_parent(signal.SIGKILL)
            os.setsid()
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.chdir(self.run.working_directory)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self.ceiling.enter()
            confinement.limit_resources(
                self.run.limits, others=0 if self.network is Network.ISOLATED else own_threads()
            )
            if self.file_system is FileSystem.CONFINED:
                self._confine_files()
            os.execvpe(  # noqa: S606 - the point of a launcher
                self.run.command[0], self.run.command, self._environment()
            )
        except OSError as error:
            os.write(2, f"The algorithm could not be started: {error}\n".encode())
            os.write(failure, b"!")
        os._exit(127)

    def _confine_files(self) -> None:
        confinement.confine_files(
            readable=(self.run.input_directory, self.run.working_directory, Path(sys.prefix), Path(sys.base_prefix)),
            writable=(self.run.output_directory, self.directory.home, self.directory.tmp),
        )

    def _environment(self) -> dict[str, str]:
        threads = str(self.run.limits.cpus)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.directory.home),
            "TMPDIR": str(self.directory.tmp),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
        }


def _ask_to_end(processes: Sequence[Process], init: int, ended_by: EndedBy) -> float:
    """The seconds until force: none for what does harm by every moment that it goes on."""
    if ended_by not in POLITE:
        return 0.0
    send((process for process in processes if process.pid != init), signal.SIGTERM)
    return GRACE_SECONDS


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    main()
