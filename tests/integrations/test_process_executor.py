"""What hostile and unlucky programs can do to the process executor: nothing that outlives them, nothing outside their
folders.

Each attack runs twice: with the namespaces of a plain Linux machine, and without them, as inside many containers.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.integrations.executors.confinement import file_confinement
from apps.integrations.executors.port import EndedBy, FileSystem, Network, Observation, State
from apps.integrations.executors.process import ProcessExecutor
from apps.integrations.executors.rundir import read_report
from tests.integrations.runs import MIB, end_of, log_of, python, run_spec
from tests.integrations.starter import start_elsewhere
from tests.waiting import wait_until

pytestmark = pytest.mark.attacks

needs_landlock = pytest.mark.skipif(file_confinement() is FileSystem.OPEN, reason="this kernel has no Landlock")

# It ends by itself after a while, so that a broken executor fails the test and not the machine.
FORK_BOMB = """
import os, time
end = time.monotonic() + 8
while time.monotonic() < end:
    try: os.fork()
    except OSError: time.sleep(0.05)
"""
HOARDING_FAMILY = """
import os, time
for _ in range(3): os.fork()
hoard = os.urandom(60 * 2**20)
time.sleep(600)
"""
DEAF = """
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
print('deaf', flush=True)
while True: time.sleep(600)
"""
DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
while True: time.sleep(600)
"""
PARENT_OF_DAEMON = f"""
import subprocess, sys, time
subprocess.run([sys.executable, '-c', {DAEMON!r}, sys.argv[1]])
print('left a daemon')
"""
WRITER = """
import os, sys
for path in sys.argv[2:]:
    try:
        open(os.path.join(path, 'mark'), 'w').write('x')
        print('WROTE', path)
    except OSError as error:
        print('refused', type(error).__name__)
"""


@dataclass
class Attack:
    """A process executor and the way in which its launcher is started; `token` marks the attack's processes."""

    executor: ProcessExecutor
    directory: Path
    namespaces: bool
    token: str

    def start(self, code: str, *arguments: str, **limits: float) -> None:
        spec = run_spec(self.directory, (*python(code), self.token, *arguments), **limits)
        start_elsewhere(self.executor.root, spec, namespaces=self.namespaces)

    def carry_out(self, code: str, *arguments: str, **limits: float) -> Observation:
        """Run to the end, and check that nothing of it is left."""
        self.start(code, *arguments, **limits)
        ended = end_of(self.executor)
        assert survivors(self.token) == []
        return ended


def survivors(token: str) -> list[int]:
    """Processes that still carry the token in their command line; zombies have none."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                command_line = Path("/proc", entry, "cmdline").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if token in command_line:
                found.append(int(entry))
    return found


@pytest.fixture(params=[True, False], ids=["namespaces", "no-namespaces"])
def attack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Attack]:
    executor = ProcessExecutor(tmp_path / "runs")
    token = f"attack-{uuid.uuid4().hex}"
    yield Attack(executor, tmp_path, request.param, token)
    assert executor.stop_all() == []
    assert survivors(token) == []
    executor.remove("run-1-1")
    assert not (tmp_path / "runs" / "run-1-1").exists()


def test_the_report_says_what_was_enforced(attack: Attack) -> None:
    ended = attack.carry_out("pass")
    assert ended.exit_code == 0
    assert ended.file_system is file_confinement()
    if not attack.namespaces:
        assert ended.network is Network.SHARED


def test_a_fork_bomb_is_ended_whole(attack: Attack) -> None:
    assert attack.carry_out(FORK_BOMB, timeout_seconds=3).ended_by in {EndedBy.TOO_MANY_PROCESSES, EndedBy.TIMEOUT}


def test_memory_counts_over_the_whole_family(attack: Attack) -> None:
    ended = attack.carry_out(HOARDING_FAMILY)
    assert ended.ended_by is EndedBy.OUT_OF_MEMORY
    assert ended.peak_memory_bytes
    assert ended.peak_memory_bytes > 256 * MIB


def test_one_gulp_larger_than_the_machine_only_fails_the_run(attack: Attack) -> None:
    assert attack.carry_out("bytearray(2**46)").exit_code == 1
    assert "MemoryError" in log_of(attack.executor)


def test_a_deaf_program_is_ended_by_force(attack: Attack) -> None:
    ended = attack.carry_out(DEAF, timeout_seconds=0.5)
    assert (ended.ended_by, ended.exit_code) == (EndedBy.TIMEOUT, 128 + signal.SIGKILL)


def test_an_endless_log_is_cut_and_the_run_goes_on(attack: Attack) -> None:
    ended = attack.carry_out("print('x' * 50_000_000); raise SystemExit(7)", log_bytes=10_000)
    assert (ended.exit_code, ended.ended_by) == (7, None)
    log = log_of(attack.executor)
    assert "The log is cut here, at 10000 bytes; the run went on." in log
    assert len(log) < 10_200


def test_a_daemon_ends_with_its_run(attack: Attack) -> None:
    assert attack.carry_out(PARENT_OF_DAEMON).exit_code == 0
    assert "left a daemon" in log_of(attack.executor)


def test_too_much_output_ends_the_run(attack: Attack) -> None:
    code = "import sys, os\nfor n in range(10**6): open(f'{sys.argv[2]}/{n}', 'wb').write(os.urandom(2**19))"
    ended = attack.carry_out(code, str(attack.directory / "out"), output_bytes=4 * MIB)
    assert ended.ended_by is EndedBy.OUTPUT_TOO_LARGE


@needs_landlock
def test_only_its_own_folders_can_be_written(attack: Attack) -> None:
    closed = [attack.directory / "in", attack.directory / "program", attack.directory, Path("/tmp"), Path("/dev/shm")]
    closed += [attack.executor.root / "run-1-1", Path.home()]
    attack.carry_out(WRITER, *map(str, closed), str(attack.directory / "out"))
    assert log_of(attack.executor).splitlines() == ["refused PermissionError"] * len(closed) + [
        f"WROTE {attack.directory / 'out'}"
    ]


@needs_landlock
def test_the_portals_secrets_cannot_be_read(attack: Attack) -> None:
    secret = attack.directory / "secret"
    secret.write_text("portal secret")
    code = "import sys; print(open(sys.argv[2]).read())"
    assert attack.carry_out(code, str(secret)).exit_code == 1
    assert "PermissionError" in log_of(attack.executor)
    assert "portal secret" not in log_of(attack.executor)


@needs_landlock
def test_other_processes_can_neither_be_read_nor_signalled(attack: Attack) -> None:
    code = """
import os, sys
for act in (lambda: open(f'/proc/{sys.argv[2]}/environ').read(1), lambda: os.kill(int(sys.argv[2]), 0)):
    try: act(); print('REACHED')
    except (PermissionError, ProcessLookupError): print('refused')
"""
    attack.carry_out(code, str(os.getpid()))
    assert log_of(attack.executor).split() == ["refused", "refused"]


def test_there_is_no_network(attack: Attack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[2])), 5)"
        ended = attack.carry_out(code, str(server.getsockname()[1]))
        if ended.network is Network.SHARED and ended.file_system is FileSystem.OPEN:
            pytest.skip("this system can take neither the network nor TCP away; the report says so")
        assert ended.exit_code == 1


def test_no_secret_and_no_file_goes_along(tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "runs")
    code = "import os; print(sorted(os.environ)); print(sorted(os.listdir('/proc/self/fd')))"
    descriptor = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        start_elsewhere(
            executor.root, run_spec(tmp_path, python(code)), namespaces=True, environment={"SECRET_KEY": "hush"}
        )
        end_of(executor)
    finally:
        os.close(descriptor)
    names, descriptors = log_of(executor).splitlines()
    assert "SECRET_KEY" not in names
    # 0, 1, 2 and the one that lists the folder.
    assert descriptors == "['0', '1', '2', '3']"


def test_a_killed_launcher_takes_its_run_along(attack: Attack) -> None:
    attack.start("import time; print('up', flush=True); time.sleep(600)")
    wait_until(lambda: "up" in log_of(attack.executor), 10)
    started = read_report(attack.executor.root / "run-1-1" / "started.json")
    assert started
    os.kill(started["pid"], signal.SIGKILL)
    assert end_of(attack.executor).state is State.LOST
    wait_until(lambda: survivors(attack.token) == [], 5)


def test_a_run_outlives_the_worker_that_started_it(attack: Attack) -> None:
    gate = attack.directory / "in" / "gate"
    attack.start("import os, sys, time\nwhile not os.path.exists(sys.argv[2]): time.sleep(0.02)", str(gate))
    wait_until(lambda: attack.executor.observe("run-1-1").state is State.RUNNING, 10)
    gate.touch()
    assert end_of(ProcessExecutor(attack.executor.root)).exit_code == 0


@pytest.mark.race
def test_twenty_simultaneous_starts_make_one_run(tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "runs")
    spec = run_spec(tmp_path, (*python("import os, sys; os.mkdir(sys.argv[1])"), str(tmp_path / "out" / "once")))
    threads = [threading.Thread(target=executor.start, args=(spec,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = end_of(executor)
    assert (ended.exit_code, log_of(executor)) == (0, "")
    executor.start(spec)
    assert executor.observe("run-1-1") == ended


def test_a_launcher_that_is_told_to_end_ends_its_run_in_order(tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "runs")
    executor.start(run_spec(tmp_path, python("import time; time.sleep(600)")))
    wait_until(lambda: executor.observe("run-1-1").state is State.RUNNING, 10)
    started = read_report(executor.root / "run-1-1" / "started.json")
    assert started
    os.kill(started["pid"], signal.SIGTERM)
    assert end_of(executor).ended_by is EndedBy.PLATFORM_STOPPED


@pytest.mark.parametrize("name", ["../run-1-1", "run-1", "run-1-1/x", ""])
def test_only_the_name_of_a_run_names_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a run"):
        ProcessExecutor(tmp_path).observe(name)
