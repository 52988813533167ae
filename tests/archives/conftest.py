from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives.models import Archive
from apps.archives.services import ensure_archive
from apps.archives.static.pool import ChildPool
from apps.projects.models import Project
from tests.archives.dicomweb import Service
from tests.dicom import WrittenSeries, ct_series


@pytest.fixture(scope="session")
def pool() -> Iterator[ChildPool]:
    children = ChildPool(size=2)
    yield children
    children.close()


@pytest.fixture
def dicom_file(tmp_path: Path) -> Path:
    return tmp_path / "object.dcm"


@pytest.fixture
def archive(project: Project, tmp_path: Path, settings: Settings) -> Archive:
    """The default archive of the project, empty, in a folder of its own."""
    settings.ARCHIVES_DIR = tmp_path / "archives"
    return ensure_archive(project)


@pytest.fixture
def service(archive: Archive, alice: User) -> Service:
    """The archive as alice's programs see it."""
    return Service.by_token(make_token(alice, name="tests", days=1)[1])


@pytest.fixture
def series(service: Service, tmp_path: Path) -> WrittenSeries:
    """Three slices, stored by the service."""
    written = ct_series(tmp_path / "source", slices=3)
    service.store_files(written.paths)
    return written
