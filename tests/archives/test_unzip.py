"""A zip from outside is taken apart without trusting a word of it."""

import io
import os
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from apps.archives.static.pool import ChildPool
from apps.archives.static.refusals import FileRefused

from .dicom_files import packaged

pytestmark = pytest.mark.attacks

MIB = 1024 * 1024


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def zipped(path: Path, members: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def unzip(pool: ChildPool, path: Path, target: Path, **limits: int) -> list[dict[str, Any]]:
    bounds = {"max_bytes": 256 * MIB, "max_members": 1000, **limits}
    members: list[dict[str, Any]] = pool.call("unzip", path=str(path), directory=str(target), **bounds).header[
        "members"
    ]
    return members


def refusal(pool: ChildPool, path: Path, target: Path, **limits: int) -> str:
    with pytest.raises(FileRefused) as refused:
        unzip(pool, path, target, **limits)
    assert "reader fail" not in refused.value.sentence
    return refused.value.sentence


def test_files_come_out_bit_exact_under_numbers(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    content = packaged("CT_small.dcm").read_bytes()
    path = zipped(tmp_path / "a.zip", [("series/", b""), ("series/größe.dcm", content), ("b.txt", b"note")])
    members = unzip(pool, path, target)
    assert [(member["name"], member["size"]) for member in members] == [
        ("series/größe.dcm", len(content)),
        ("b.txt", 4),
    ]
    assert Path(members[0]["path"]).read_bytes() == content
    assert {entry.name for entry in target.iterdir()} == {"000001", "000002"}


def test_no_file_is_left_out_for_its_name(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    names = ["__MACOSX/._a.dcm", "x/.DS_Store", "DICOMDIR", "cd/dicomdir", "Thumbs.db", "a.dcm"]
    path = zipped(tmp_path / "a.zip", [("cd/", b""), *((name, b"x") for name in names)])
    assert [member["name"] for member in unzip(pool, path, target)] == names


def test_names_that_climb_out_do_no_harm(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    names = ["../../escaped", "/tmp/escaped", "C:\\Windows\\escaped", "..\\escaped", "a\x01b"]
    members = unzip(pool, zipped(tmp_path / "a.zip", [(name, b"x") for name in names]), target)
    assert all(Path(member["path"]).parent == target for member in members)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.zip", "target"]


def test_links_become_plain_files(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    (member,) = unzip(pool, tmp_path / "a.zip", target)
    assert not Path(member["path"]).is_symlink()
    assert Path(member["path"]).read_bytes() == b"/etc/passwd"


def test_a_zip_in_a_zip_stays_a_file(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", [("a.dcm", b"x")]).read_bytes()
    (member,) = unzip(pool, zipped(tmp_path / "a.zip", [("inner.zip", inner)]), target)
    assert Path(member["path"]).read_bytes() == inner
    with pytest.raises(FileRefused, match="zip archive"):
        pool.call("describe", path=member["path"])


def test_a_bomb_is_refused_by_its_ratio(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("zeros", bytes(100 * MIB))])
    assert "200 times" in refusal(pool, path, target)
    assert not list(target.iterdir())


def test_too_much_or_too_many_is_refused(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    path = zipped(tmp_path / "a.zip", [(str(number), os.urandom(MIB)) for number in range(5)])
    assert "more than 4 MiB" in refusal(pool, path, target, max_bytes=4 * MIB)
    assert "holds 5 files" in refusal(pool, path, target, max_members=4)


def test_a_directory_that_lies_about_sizes_is_found_out(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("zeros", bytes(100 * MIB))])
    true_size, small_size = (100 * MIB).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(true_size, small_size))
    assert "damaged" in refusal(pool, path, target)
    assert sum(entry.stat().st_size for entry in target.iterdir()) <= MIB


def test_passwords_are_refused(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("a.dcm", b"secret")], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags_at] |= 1
    path.write_bytes(content)
    assert "password" in refusal(pool, path, target)


def test_damaged_archives_are_refused(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    content = zipped(tmp_path / "a.zip", [("a.dcm", os.urandom(5000))], zipfile.ZIP_STORED).read_bytes()
    flipped = content[:1000] + bytes([content[1000] ^ 0xFF]) + content[1001:]
    for damaged in (content[:3000], b"not a zip", flipped):
        (tmp_path / "b.zip").write_bytes(damaged)
        assert "damaged" in refusal(pool, tmp_path / "b.zip", target)
        for entry in target.iterdir():
            entry.unlink()


def test_overlapping_members_count_each_time(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    """The bomb of one kernel under many names (Fifield 2019)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", os.urandom(MIB))
        (kernel,) = archive.infolist()
        archive.filelist.extend([kernel] * 50)
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    sentence = refusal(pool, tmp_path / "a.zip", target, max_bytes=20 * MIB)
    assert "more than 20 MiB" in sentence or "damaged" in sentence


def test_a_child_may_write_no_file_afterwards(pool: ChildPool, tmp_path: Path, target: Path) -> None:
    unzip(pool, zipped(tmp_path / "a.zip", [("a", b"x")]), target)
    for child in pool._idle:
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        assert next(line for line in limits.splitlines() if line.startswith("Max file size")).split()[3] == "0"
