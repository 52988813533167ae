from pathlib import Path

import pytest

from tests.archives.static_export.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder that is not there yet."""
    return Site(tmp_path / "exported")
