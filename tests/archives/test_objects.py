"""Files of an archive appear whole or not at all, and are never written over."""

import gzip
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apps.archives.static import objects
from apps.archives.static.layout import incoming_folder, object_path, series_folder, series_metadata_path
from apps.archives.static.objects import (
    ObjectCutShort,
    Outcome,
    new_temporary,
    new_temporary_folder,
    put,
    put_many,
    read_range,
    sweep_temporaries,
    write_series_metadata,
)

STUDY, SERIES = "1.2.3", "1.2.3.4"
SHA256 = "0" * 64


def temporary(root: Path, content: bytes) -> Path:
    path = new_temporary(root)
    path.write_bytes(content)
    return path


def test_paths_hold_no_character_of_a_uid(tmp_path: Path) -> None:
    path = object_path(tmp_path, "../../etc", "/absolute", "a/b\0c", SHA256)
    assert path.is_relative_to(tmp_path / "objects")
    assert len(path.relative_to(tmp_path).parts) == 5
    assert all(set(part) <= set("0123456789abcdef") for part in path.relative_to(tmp_path / "objects").parts[:-1])
    assert object_path(tmp_path, STUDY, SERIES, "1", SHA256).parent == series_folder(tmp_path, STUDY, SERIES)
    assert object_path(tmp_path, STUDY, SERIES, "1", SHA256) != object_path(tmp_path, STUDY, SERIES, "2", SHA256)
    assert object_path(tmp_path, STUDY, SERIES, "1", SHA256) != object_path(tmp_path, STUDY, SERIES, "1", "1" * 64)


def test_a_put_file_is_there_bit_exact_and_can_be_put_again(tmp_path: Path) -> None:
    content = os.urandom(100_000)
    source, destination = temporary(tmp_path, content), object_path(tmp_path, STUDY, SERIES, "1", SHA256)
    assert put(source, destination) is Outcome.NEW
    assert destination.read_bytes() == content
    assert put(source, destination) is Outcome.SAME


def test_the_same_bytes_again_change_nothing(tmp_path: Path) -> None:
    destination = object_path(tmp_path, STUDY, SERIES, "1", SHA256)
    put(temporary(tmp_path, b"one"), destination)
    before = destination.stat()
    assert put(temporary(tmp_path, b"one"), destination) is Outcome.SAME
    assert destination.stat().st_ino == before.st_ino


def test_other_bytes_never_replace_an_object(tmp_path: Path) -> None:
    destination = object_path(tmp_path, STUDY, SERIES, "1", SHA256)
    put(temporary(tmp_path, b"one"), destination)
    other = temporary(tmp_path, b"two")
    assert put(other, destination) is Outcome.DIFFERENT
    assert destination.read_bytes() == b"one"
    assert other.read_bytes() == b"two"


def test_many_files_sync_each_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(objects, "sync", synced.append)
    files = [(temporary(tmp_path, b"%d" % n), object_path(tmp_path, STUDY, SERIES, str(n), SHA256)) for n in range(20)]
    assert put_many(files) == [Outcome.NEW] * 20
    assert len(synced) == len(set(synced))
    series = series_folder(tmp_path, STUDY, SERIES)
    assert {series, series.parent, series.parent.parent, tmp_path / "objects", tmp_path} == set(synced)


@pytest.mark.race
def test_many_writers_of_one_object_make_one(tmp_path: Path) -> None:
    destination = object_path(tmp_path, STUDY, SERIES, "1", SHA256)
    sources = [temporary(tmp_path, b"%d" % (number % 2)) for number in range(20)]
    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(lambda source: put(source, destination), sources))
    assert outcomes.count(Outcome.NEW) == 1
    assert outcomes.count(Outcome.SAME) == 9
    assert outcomes.count(Outcome.DIFFERENT) == 10
    winner = outcomes.index(Outcome.NEW)
    assert destination.read_bytes() == b"%d" % (winner % 2)


@pytest.mark.faults
def test_a_writer_killed_at_any_time_leaves_only_whole_objects(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; sys.setswitchinterval(1e-6)\n"
        "from apps.archives.static.layout import object_path\n"
        "from apps.archives.static.objects import new_temporary, put\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for number in range(100000):\n"
        "    path = new_temporary(root); path.write_bytes(bytes([number % 256]) * 200_000)\n"
        "    put(path, object_path(root, '1', '2', str(number), '0'))\n"
        "    print(number, flush=True)\n"
    )
    for wait_for in (3, 7, 15):
        root = tmp_path / str(wait_for)
        writer = subprocess.Popen([sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(wait_for)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        writer.stdout.close()
        assert all(object_path(root, "1", "2", str(number), "0").exists() for number in acknowledged)
        assert all(path.stat().st_size == 200_000 for path in root.rglob("*.dcm"))


def test_ranges_are_read_in_order_and_in_chunks(tmp_path: Path) -> None:
    content = os.urandom(1_000_000)
    path = temporary(tmp_path, content)
    chunks = list(read_range(path, [(900_000, 100_000), (0, 600_000), (5, 0)]))
    assert b"".join(chunks) == content[900_000:] + content[:600_000]
    assert max(map(len, chunks)) <= objects.CHUNK_BYTES
    with pytest.raises(ObjectCutShort):
        list(read_range(path, [(900_000, 100_001)]))


def test_only_stale_temporaries_are_swept(tmp_path: Path) -> None:
    stale, fresh = temporary(tmp_path, b"x"), temporary(tmp_path, b"y")
    folder = new_temporary_folder(tmp_path)
    (folder / "000001").write_bytes(b"z")
    long_ago = time.time() - 10_000
    for path in (stale, folder):
        os.utime(path, (long_ago, long_ago))
    assert sweep_temporaries(tmp_path, older_than_seconds=3600) == 2
    assert list(incoming_folder(tmp_path).iterdir()) == [fresh]
    assert sweep_temporaries(tmp_path / "nowhere", older_than_seconds=0) == 0


@pytest.mark.parametrize("instances", [[], [b'{"a":1}'], [b'{"a":1}', b'{"b":"\xc3\xbc"}']])
def test_series_metadata_is_one_json_array(tmp_path: Path, instances: list[bytes]) -> None:
    path = series_metadata_path(tmp_path, STUDY, SERIES, 1)
    write_series_metadata(path, tmp_path, iter(instances))
    assert json.loads(gzip.decompress(path.read_bytes())) == [json.loads(instance) for instance in instances]


def test_series_metadata_is_replaced_whole(tmp_path: Path) -> None:
    path = series_metadata_path(tmp_path, STUDY, SERIES, 1)
    write_series_metadata(path, tmp_path, [b"{}"])
    with path.open("rb") as reader:
        write_series_metadata(path, tmp_path, [b"{}", b"{}"])
        assert gzip.decompress(reader.read()) == b"[\n{}\n]\n"
    assert gzip.decompress(path.read_bytes()) == b"[\n{},\n{}\n]\n"
    assert not list(incoming_folder(tmp_path).iterdir())
