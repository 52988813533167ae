"""The contract of DICOMweb servers that are not ours, on the plugin of the real Orthanc."""

import pytest

from tests.integrations.test_dicomweb_any_contract import *  # noqa: F403
from tests.integrations.test_dicomweb_any_contract import Server
from tests.peers.orthanc import Orthanc

pytestmark = pytest.mark.peers


@pytest.fixture
def server(own_orthanc: Orthanc) -> Server:
    """Its plugin deletes nothing."""
    return Server(own_orthanc.dicomweb_url, *own_orthanc.credentials, own_orthanc.remove, deletes=False)
