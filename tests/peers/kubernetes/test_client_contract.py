"""The client keeps the contract on a real API server."""

import pytest

from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import CONFIG_MAP
from tests.integrations.kubernetes_contract import *  # noqa: F403
from tests.integrations.kubernetes_contract import config_map
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.portal_side import administrator

# The first start builds Kubernetes.
pytestmark = [pytest.mark.peers, pytest.mark.contract]


@pytest.fixture
def api(kubernetes: Kubernetes) -> KubernetesClient:
    return KubernetesClient(administrator(kubernetes))


@pytest.fixture
def forgetful(second_kubernetes: Kubernetes) -> tuple[KubernetesClient, str]:
    """What an API server has noted of changes is lost when it is started anew."""
    api = KubernetesClient(administrator(second_kubernetes))
    version = api.latest_version(CONFIG_MAP)
    api.apply(config_map("default", a=version))
    second_kubernetes.stop_api()
    second_kubernetes.start_api()
    return api, version
