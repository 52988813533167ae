"""The contract of archives on the real Orthanc."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.projects.models import Project
from tests.archives.sides import Side, remote_at
from tests.archives.test_store_contract import *  # noqa: F403
from tests.peers.orthanc import Orthanc

pytestmark = pytest.mark.peers


@pytest.fixture
def side(own_orthanc: Orthanc, project: Project, tmp_path: Path, settings: Settings) -> Iterator[Side]:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    with remote_at(project, own_orthanc.url, *own_orthanc.credentials) as made:
        yield made
