from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.viewer.release import write_release


@pytest.fixture
def ohif(tmp_path: Path, settings: Settings) -> Path:
    """The folder of a fetched release."""
    settings.VIEWER_DIR = tmp_path / "ohif"
    return write_release(settings.VIEWER_DIR)


@pytest.fixture
def no_ohif(tmp_path: Path, settings: Settings) -> None:
    """None was fetched; that one was begun is nothing."""
    settings.VIEWER_DIR = tmp_path / "ohif"
    (settings.VIEWER_DIR / ".fetching-x" / "unpacked").mkdir(parents=True)
