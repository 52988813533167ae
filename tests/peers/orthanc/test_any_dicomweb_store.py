"""The contract of archives on a DICOMweb server that is not ours: the plugin of the real Orthanc."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.projects.models import Project
from tests.archives.sides import Web, web_at
from tests.archives.test_store_contract import *  # noqa: F403
from tests.peers.orthanc import Orthanc

pytestmark = pytest.mark.peers


@pytest.fixture
def side(own_orthanc: Orthanc, project: Project, tmp_path: Path, settings: Settings) -> Iterator[Web]:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    with web_at(project, own_orthanc.dicomweb_url, *own_orthanc.credentials, remove=own_orthanc.remove) as made:
        yield made
