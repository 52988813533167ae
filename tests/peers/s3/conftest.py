from collections.abc import Iterator
from itertools import count

import pytest

from tests import dicom
from tests.archives.conftest import *  # noqa: F403
from tests.archives.static_export.conftest import *  # noqa: F403
from tests.peers.s3 import S3, running_s3
from tests.peers.starting import throwaway_folder


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with throwaway_folder() as folder, running_s3(folder) as address:
        yield address


@pytest.fixture(autouse=True)
def _short_uids(monkeypatch: pytest.MonkeyPatch) -> None:
    """This server names a file by the key in base64, so it takes keys of 150 bytes or so; Amazon's takes 1024."""
    numbers = count(1)
    monkeypatch.setattr(dicom, "uid", lambda *_: f"2.25.{next(numbers)}")
