from collections.abc import Iterator

import pytest

from tests.archives.conftest import *  # noqa: F403
from tests.peers.orthanc import Orthanc, running_orthanc
from tests.peers.starting import throwaway_folder


@pytest.fixture(scope="session")
def own_orthanc() -> Iterator[Orthanc]:
    """One that nobody else writes into; each test leaves it empty."""
    with throwaway_folder() as folder, running_orthanc(folder) as address:
        yield address
