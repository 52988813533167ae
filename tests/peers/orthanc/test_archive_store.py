"""The contract of archives on the real Orthanc."""

import pytest

from tests.archives.test_store_contract import *  # noqa: F403
from tests.peers.orthanc.conftest import remote as side

__all__ = ["side"]
pytestmark = pytest.mark.peers
