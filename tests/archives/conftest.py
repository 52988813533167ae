from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.archives.static.pool import ChildPool


@pytest.fixture(scope="session")
def pool() -> Iterator[ChildPool]:
    children = ChildPool(size=2)
    yield children
    children.close()


@pytest.fixture
def dicom_file(tmp_path: Path) -> Path:
    return tmp_path / "object.dcm"
