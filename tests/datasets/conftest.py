from collections.abc import Callable
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive
from apps.archives.services import ensure_archive
from apps.datasets.services import import_files
from apps.projects.models import Project
from tests.dicom import WrittenSeries, ct_series


@pytest.fixture
def archive(project: Project) -> Archive:
    return ensure_archive(project)


@pytest.fixture
def ct(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "ct", slices=4, rows=16, columns=16)


@pytest.fixture
def store(archive: Archive, alice: User) -> Callable[..., None]:
    """Stores files in the project's archive; all of them must be taken."""

    def run(*paths: Path) -> None:
        receipt = import_files(archive, paths, by=alice)
        assert receipt.results
        assert not receipt.refused

    return run


@pytest.fixture
def stored_ct(store: Callable[..., None], ct: WrittenSeries) -> WrittenSeries:
    store(*ct.paths)
    return ct
