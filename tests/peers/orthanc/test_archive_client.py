"""The contract of tests/integrations on the real Orthanc."""

import pytest

from apps.integrations.kubernetes.route import Route
from tests.integrations.test_dicomweb_contract import *  # noqa: F403
from tests.integrations.test_dicomweb_contract import Server
from tests.peers.orthanc import Orthanc

pytestmark = pytest.mark.peers


@pytest.fixture
def server(own_orthanc: Orthanc) -> Server:
    return Server(Route(own_orthanc.url), *own_orthanc.credentials)
