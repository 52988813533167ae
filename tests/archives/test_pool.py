"""The pool outlives whatever its children meet."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from apps.archives.static import connection
from apps.archives.static import pool as pool_module
from apps.archives.static.connection import ChildConnection
from apps.archives.static.pool import ChildPool, PoolBusy, Reply, default_pool
from apps.archives.static.refusals import FileRefused
from tests.killing import is_running
from tests.waiting import wait_until

from .dicom_files import image, packaged, save

CT = str(packaged("CT_small.dcm"))
MEMORY_BYTES = 2 * 1024**3


@pytest.fixture
def one_child() -> Iterator[ChildPool]:
    children = ChildPool(size=1)
    yield children
    children.close()


def idle_pid(children: ChildPool) -> int:
    (child,) = children._idle
    return child.pid


def endless_file(tmp_path: Path) -> Path:
    """A named pipe that nobody writes to: opening it never returns."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    return path


def test_a_child_is_reused(one_child: ChildPool) -> None:
    one_child.call("describe", path=CT)
    first = idle_pid(one_child)
    one_child.call("describe", path=CT)
    assert idle_pid(one_child) == first


def test_a_refusal_costs_no_child(one_child: ChildPool) -> None:
    one_child.call("describe", path=CT)
    first = idle_pid(one_child)
    with pytest.raises(FileRefused, match="DICOMDIR"):
        one_child.call("describe", path=str(packaged("dicomdirtests/DICOMDIR")))
    assert idle_pid(one_child) == first


@pytest.mark.faults
def test_a_child_killed_while_idle_is_replaced(one_child: ChildPool) -> None:
    one_child.call("describe", path=CT)
    killed = idle_pid(one_child)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not is_running(killed))
    assert one_child.call("describe", path=CT).header["frames"]["number"] == 1


@pytest.mark.faults
def test_a_child_killed_at_work_fails_only_its_file(one_child: ChildPool, tmp_path: Path) -> None:
    one_child.call("describe", path=CT)
    killed = idle_pid(one_child)
    with ThreadPoolExecutor(2) as threads:
        doomed = threads.submit(one_child.call, "describe", path=str(endless_file(tmp_path)))
        waiting = threads.submit(one_child.call, "describe", path=CT)
        wait_until(lambda: not one_child._idle)
        os.kill(killed, signal.SIGKILL)
        outcomes = [doomed.exception(), waiting.exception()]
    assert isinstance(outcomes[0], FileRefused)
    assert "made its reader fail" in str(outcomes[0])
    assert outcomes[1] is None


@pytest.mark.faults
def test_a_child_that_hangs_is_killed_in_time(one_child: ChildPool, tmp_path: Path) -> None:
    one_child.call("describe", path=CT)
    hung = idle_pid(one_child)
    began = time.monotonic()
    with pytest.raises(FileRefused, match=r"longer than 0\.5 seconds"):
        one_child.call("describe", timeout_seconds=0.5, path=str(endless_file(tmp_path)))
    assert time.monotonic() - began < 5
    assert not is_running(hung)
    assert one_child.call("describe", path=CT).header["frames"]["number"] == 1


def test_several_files_are_asked_about_at_once(one_child: ChildPool) -> None:
    names = ["CT_small.dcm", "MR_truncated.dcm", "MR_small.dcm"]
    answers = one_child.call_many("describe", [{"path": str(packaged(name))} for name in names] + [{"path": "/gone"}])
    assert [type(answer) for answer in answers] == [Reply, FileRefused, Reply, FileNotFoundError]
    assert answers[::2] == [one_child.call("describe", path=str(packaged(name))) for name in names[::2]]


@pytest.mark.faults
def test_a_child_that_dies_fails_one_of_several_files(one_child: ChildPool, tmp_path: Path) -> None:
    paths = [CT, str(endless_file(tmp_path)), CT, CT]
    answers = one_child.call_many("describe", [{"path": path} for path in paths], timeout_seconds=3)
    assert [type(answer) for answer in answers] == [Reply, FileRefused, Reply, Reply]


def test_a_child_without_memory_refuses_its_file_and_is_replaced(tmp_path: Path) -> None:
    small = ChildPool(size=1, memory_bytes=400 * 1024**2)
    path = save(image(np.zeros((4, 4), np.uint8)), tmp_path / "bomb.dcm", DeflatedExplicitVRLittleEndian)
    content = path.read_bytes()
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    meta_end = 132 + 12 + int.from_bytes(content[140:144], "little")
    path.write_bytes(content[:meta_end] + deflater.compress(bytes(450 * 1024**2)) + deflater.flush())
    try:
        with pytest.raises(FileRefused, match="more memory than one file may use"):
            small.call("describe", path=str(path))
        assert not small._idle
        assert small.call("describe", path=CT).header["frames"]["number"] == 1
        answers = small.call_many("describe", [{"path": name} for name in (CT, str(path), CT, str(path), CT)])
        assert [type(answer) for answer in answers] == [Reply, FileRefused, Reply, FileRefused, Reply]
    finally:
        small.close()


def test_a_child_is_replaced_after_long_service(one_child: ChildPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MAX_REQUESTS", 2)
    one_child.call("describe", path=CT)
    first = idle_pid(one_child)
    one_child.call("describe", path=CT)
    assert not one_child._idle
    one_child.call("describe", path=CT)
    assert idle_pid(one_child) != first


def test_a_program_that_forgets_its_pool_still_ends() -> None:
    program = (
        "from apps.archives.static.pool import default_pool\n"
        f"pool = default_pool(); pool.call('describe', path={CT!r}); print(pool._idle[0].pid)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=True)
    wait_until(lambda: not is_running(int(ended.stdout)))


def test_a_pool_that_stays_busy_says_so(tmp_path: Path) -> None:
    busy = ChildPool(size=1, wait_seconds=0.1)
    try:
        with ThreadPoolExecutor(1) as threads:
            holding = threads.submit(busy.call, "describe", timeout_seconds=2, path=str(endless_file(tmp_path)))
            wait_until(lambda: busy._slots._value == 0)
            with pytest.raises(PoolBusy):
                busy.call("describe", path=CT)
            assert isinstance(holding.exception(), FileRefused)
    finally:
        busy.close()


@pytest.mark.race
def test_twenty_threads_get_their_own_answers(pool: ChildPool) -> None:
    names = ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "test-SR.dcm", "MR_truncated.dcm"]
    alone = {name: _outcome(pool, name) for name in names}
    barrier = threading.Barrier(20)

    def work(number: int) -> list[bool]:
        barrier.wait()
        return [_outcome(pool, name) == alone[name] for name in names[number % 5 :] + names[: number % 5]]

    with ThreadPoolExecutor(20) as threads:
        assert all(all(answers) for answers in threads.map(work, range(20)))


def _outcome(pool: ChildPool, name: str) -> object:
    try:
        return pool.call("describe", path=str(packaged(name)))
    except FileRefused as refused:
        return refused.sentence


def test_a_missing_file_is_no_fault_of_the_file(pool: ChildPool, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pool.call("describe", path=str(tmp_path / "gone.dcm"))


def test_children_outlive_the_thread_that_started_them(one_child: ChildPool) -> None:
    thread = threading.Thread(target=one_child.call, args=("describe",), kwargs={"path": CT})
    thread.start()
    thread.join()
    first = idle_pid(one_child)
    one_child.call("describe", path=CT)
    assert idle_pid(one_child) == first


@pytest.mark.faults
def test_children_die_with_their_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from apps.archives.static.pool import ChildPool\n"
        f"pool = ChildPool(1); pool.call('describe', path={CT!r})\n"
        "print(pool._idle[0].pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_running(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_running(child))


@pytest.mark.attacks
def test_a_child_is_limited_and_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "do not tell")
    child = ChildConnection(MEMORY_BYTES)
    try:
        child.request("describe", {"path": CT}, 5)
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        soft = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
        assert soft["Max address space"] == str(MEMORY_BYTES)
        assert soft["Max core file size"] == "0"
        assert soft["Max file size"] == "0"
        assert int(soft["Max cpu time"]) <= 7
        assert b"do not tell" not in Path(f"/proc/{child.pid}/environ").read_bytes()
    finally:
        child.kill()


def test_a_forked_process_makes_its_own_pool() -> None:
    mine = default_pool()
    mine.call("describe", path=CT)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_describe_in_fork, args=(sender, id(mine)))
    process.start()
    assert receiver.poll(20)
    assert receiver.recv() == (True, 1)
    process.join(10)
    assert mine.call("describe", path=CT).header["frames"]["number"] == 1
    mine.close()
    pool_module._forget_default_pool()


def _describe_in_fork(sender: object, inherited: int) -> None:
    own = default_pool()
    frames = own.call("describe", path=CT).header["frames"]["number"]
    own.close()
    sender.send((id(own) != inherited, frames))  # type: ignore[attr-defined]


def test_a_closed_pool_leaves_no_child(one_child: ChildPool) -> None:
    one_child.call("describe", path=CT)
    child = idle_pid(one_child)
    one_child.close()
    assert not is_running(child)
