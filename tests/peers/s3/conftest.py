from collections.abc import Iterator

import pytest

from tests.archives.conftest import *  # noqa: F403
from tests.peers.s3 import S3, running_s3
from tests.peers.starting import throwaway_folder


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with throwaway_folder() as folder, running_s3(folder) as address:
        yield address
