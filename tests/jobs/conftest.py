from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive, Series
from apps.archives.services import IncomingFile, receiving_folder, store_files
from apps.jobs import services
from apps.jobs.models import Algorithm
from apps.projects.access import Entry, enter
from apps.projects.models import Project
from tests.dicom import WrittenSeries, ct_series


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path: Path) -> None:
    """Primary keys begin anew with each test, so folders named by them must too."""
    settings.ARCHIVES_DIR, settings.RUNS_DIR = tmp_path / "archives", tmp_path / "runs"
    settings.RUNS_DIR.mkdir()


@pytest.fixture
def as_bob(project: Project, bob: User) -> Entry:
    return enter(bob, project.namespace)


@pytest.fixture
def bundled(db: None) -> None:
    services.sync_bundled()


@pytest.fixture
def segmentation(bundled: None) -> Algorithm:
    return Algorithm.objects.get(name="threshold-segmentation", is_current=True)


@pytest.fixture
def ct(archive: Archive, tmp_path: Path) -> Series:
    """A CT of four images in the archive."""
    return stored(archive, ct_series(tmp_path / "ct", seed="ct"))


def stored(archive: Archive, written: WrittenSeries) -> Series:
    """The series of these files, once they are in the archive by the way of an upload."""
    with receiving_folder(archive) as folder:
        files = []
        for path in written.paths:
            copy = folder / path.name
            copy.write_bytes(path.read_bytes())
            files.append(IncomingFile(copy, path.name))
        results = store_files(archive, files, by=None)
    assert not [result.sentence for result in results if result.is_refused]
    return Series.objects.select_related("study").get(series_instance_uid=written.series_instance_uid)
