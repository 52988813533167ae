"""The cluster's twin keeps the contract, and can be told to fail."""

import pytest

from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import POD, ClusterUnreachable, Forbidden, Permission
from tests.integrations.kubernetes_contract import *  # noqa: F403

pytestmark = pytest.mark.contract


@pytest.fixture
def api() -> MemoryKubernetes:
    return MemoryKubernetes()


def test_it_is_down_when_told(api: MemoryKubernetes) -> None:
    api.is_down = True
    with pytest.raises(ClusterUnreachable):
        list(api.objects(POD))


def test_it_denies_what_it_is_told(api: MemoryKubernetes) -> None:
    api.denied = {("list", "pods")}
    assert api.missing([Permission("list", "pods"), Permission("get", "pods")]) == [Permission("list", "pods")]
    with pytest.raises(Forbidden):
        list(api.objects(POD))
