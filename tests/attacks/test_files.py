"""What the portal writes is for nobody else on the machine, also where others may enter the folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.portal import REPOSITORY, environment, free_port

pytestmark = pytest.mark.attacks


def test_files_of_a_folder_that_others_may_enter_are_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    _prepare(folder)
    files = [path for path in folder.rglob("*") if path.is_file() and folder / "static" not in path.parents]
    assert folder / "db.sqlite3" in files
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_no_code_of_the_portal_is_served_as_a_static_file(tmp_path: Path) -> None:
    _prepare(tmp_path)
    kinds = {path.suffix for path in (tmp_path / "static").rglob("*") if path.is_file()}
    assert ".css" in kinds
    assert kinds.isdisjoint({".py", ".pyc"})


def _prepare(folder: Path) -> None:
    settings = environment(VAR_DIR=str(folder), PORT=str(free_port()), SAMPLE_PROJECT="false")
    command = [sys.executable, "manage.py", "up", "--prepare-only"]
    subprocess.run(command, cwd=REPOSITORY, env=settings, check=True, stdout=subprocess.DEVNULL)
