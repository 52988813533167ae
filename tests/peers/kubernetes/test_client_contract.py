"""The client keeps the contract on a real API server."""

import pytest

from apps.integrations.kubernetes.client import KubernetesClient
from tests.integrations.kubernetes_contract import *  # noqa: F403
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.portal_side import administrator

pytestmark = [pytest.mark.peers, pytest.mark.contract]


@pytest.fixture
def api(kubernetes: Kubernetes) -> KubernetesClient:
    return KubernetesClient(administrator(kubernetes))
