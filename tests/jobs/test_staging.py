"""The input folder: whole, verified, read-only, and removed whatever an algorithm left in it."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from apps.jobs import staging
from apps.jobs.staging import InputDamaged, InputFile


@pytest.fixture
def files(tmp_path: Path) -> list[InputFile]:
    made = []
    for number in range(2):
        source = tmp_path / f"source-{number}"
        source.write_bytes(bytes([number]) * 100)
        sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
        made.append(
            InputFile(partial(nullcontext, source), staging.target_of("1.2", "1.2.3", f"1.2.3.{number}"), sha256)
        )
    return made


def _source(file: InputFile) -> Path:
    with file.source() as path:
        return path


def test_files_lie_by_study_and_series_and_cannot_be_written(files: list[InputFile], tmp_path: Path):
    staging.stage(files, tmp_path / "in")
    staging.stage(files, tmp_path / "in")
    path = tmp_path / "in" / "1.2" / "1.2.3" / "1.2.3.1.dcm"
    assert path.read_bytes() == _source(files[1]).read_bytes()
    assert path.stat().st_ino != _source(files[1]).stat().st_ino
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o400, 0o500)
    staging.check_unchanged(files, tmp_path / "in")


def test_other_bytes_are_not_staged(files: list[InputFile], tmp_path: Path):
    _source(files[1]).write_bytes(b"other")
    with pytest.raises(InputDamaged):
        staging.stage(files, tmp_path / "in")
    assert not (tmp_path / "in").exists()


def test_a_missing_or_linked_file_is_not_staged(files: list[InputFile], tmp_path: Path):
    _source(files[0]).rename(tmp_path / "elsewhere")
    with pytest.raises(InputDamaged):
        staging.stage(files, tmp_path / "in")
    _source(files[0]).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputDamaged):
        staging.stage(files, tmp_path / "in")


@pytest.mark.attacks
@pytest.mark.parametrize("change", ["bytes", "removed", "added", "link"])
def test_a_change_of_the_input_is_noticed(files: list[InputFile], tmp_path: Path, change: str):
    staging.stage(files, tmp_path / "in")
    folder = tmp_path / "in" / "1.2" / "1.2.3"
    folder.chmod(0o700)
    path = folder / "1.2.3.0.dcm"
    path.chmod(0o600)
    match change:
        case "bytes":
            path.write_bytes(b"x" * 100)
        case "removed":
            path.unlink()
        case "added":
            (folder / "more.dcm").write_bytes(b"")
        case "link":
            path.unlink()
            path.symlink_to(_source(files[0]))
    with pytest.raises(InputDamaged):
        staging.check_unchanged(files, tmp_path / "in")


@pytest.mark.attacks
def test_removing_follows_no_link(tmp_path: Path):
    precious = tmp_path / "archive"
    (precious / "inner").mkdir(parents=True, mode=0o500)
    (precious / "inner").chmod(0o500)
    hostile = tmp_path / "out"
    (hostile / "deep").mkdir(parents=True)
    (hostile / "deep" / "link").symlink_to(precious)
    (hostile / "deep").chmod(0)
    staging.remove(hostile)
    assert not hostile.exists()
    (tmp_path / "in").symlink_to(precious)
    staging.remove(tmp_path / "in")
    assert (precious / "inner").stat().st_mode & 0o777 == 0o500
    staging.remove(tmp_path / "in")
