"""Copies of remote objects: private, few, never a half one, and never taken away from who reads them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from apps.archives.object_cache import ObjectCache


def filled(content: bytes) -> Callable[[IO[bytes]], None]:
    def fill(file: IO[bytes]) -> None:
        file.write(content)

    return fill


def never(_: IO[bytes]) -> None:
    raise AssertionError("it is there already")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_is_filled_once_and_for_its_user_alone(folder: Path) -> None:
    cache = ObjectCache(folder, 1000)
    assert not cache.has("a")
    with cache.hold("a", filled(b"content")) as path:
        assert path.read_bytes() == b"content"
    with cache.hold("a", never) as path:
        assert path.read_bytes() == b"content"
    assert cache.has("a")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_fails_leaves_nothing(folder: Path) -> None:
    def fail(file: IO[bytes]) -> None:
        file.write(b"half")
        raise TimeoutError

    with pytest.raises(TimeoutError), ObjectCache(folder, 1000).hold("a", fail):
        pass
    assert names(folder) == []


def test_the_longest_unused_make_room(folder: Path) -> None:
    cache = ObjectCache(folder, 130)
    for number in range(3):
        with cache.hold(str(number), filled(b"x" * 40)) as path:
            os.utime(path, (time.time() - 100 + number, time.time() - 100 + number))
    with cache.hold("0", never):
        pass
    with cache.hold("3", filled(b"x" * 40)):
        pass
    assert names(folder) == ["0", "2", "3"]


def test_what_is_read_stays(folder: Path) -> None:
    cache = ObjectCache(folder, 100)
    with cache.hold("a", filled(b"x" * 90)) as path:
        with cache.hold("b", filled(b"y" * 90)) as other:
            assert (path.read_bytes(), other.read_bytes()) == (b"x" * 90, b"y" * 90)
            assert cache.sweep() == 0
        assert cache.sweep() == 1
        assert path.exists()


def test_one_that_is_larger_than_all_room_is_read_too(folder: Path) -> None:
    cache = ObjectCache(folder, 100)
    with cache.hold("a", filled(b"x" * 1000)) as path:
        assert len(path.read_bytes()) == 1000
    assert cache.sweep() == 1
    assert names(folder) == []


def test_nothing_is_kept_for_long(folder: Path) -> None:
    cache = ObjectCache(folder, 100)
    with cache.hold("a", filled(b"x")) as path:
        pass
    os.utime(path, (time.time() - 4000, time.time() - 4000))
    (folder / "half.part").write_bytes(b"of a process that died")
    os.utime(folder / "half.part", (time.time() - 4000, time.time() - 4000))
    assert ObjectCache(folder, 100).sweep() == 2
    assert names(folder) == []


def test_another_process_keeps_what_it_reads(folder: Path) -> None:
    cache = ObjectCache(folder, 100)
    with cache.hold("a", filled(b"x" * 90)) as path:
        pass
    program = (
        "import fcntl, os, sys\n"
        "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_SH)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "held\n"
        os.utime(path, (1, 1))
        assert cache.sweep() == 0
        reader.kill()
        reader.wait()
    assert cache.sweep() == 1


def test_a_cache_that_was_never_used_is_swept(folder: Path) -> None:
    assert ObjectCache(folder, 100).sweep() == 0


def test_what_is_forgotten_is_gone_unless_somebody_reads_it(folder: Path) -> None:
    cache = ObjectCache(folder, 1000)
    cache.forget("a")
    with cache.hold("a", filled(b"content")) as path:
        cache.forget("a")
        assert path.read_bytes() == b"content"
    cache.forget("a")
    assert not cache.has("a")
