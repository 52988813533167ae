from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.projects.models import Project
from tests.archives.conftest import *  # noqa: F403
from tests.archives.sides import Remote, remote_at
from tests.peers.orthanc import Orthanc, running_orthanc
from tests.peers.starting import throwaway_folder


@pytest.fixture(scope="session")
def own_orthanc() -> Iterator[Orthanc]:
    """One that nobody else writes into; each test leaves it empty."""
    with throwaway_folder() as folder, running_orthanc(folder) as address:
        yield address


@pytest.fixture
def remote(own_orthanc: Orthanc, project: Project, tmp_path: Path, settings: Settings) -> Iterator[Remote]:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    with remote_at(project, own_orthanc.url, *own_orthanc.credentials) as made:
        yield made
