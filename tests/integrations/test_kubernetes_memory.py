"""The cluster's twin keeps the contract, and can be told to fail."""

import pytest

from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import CONFIG_MAP, NAMESPACE, POD, ClusterUnreachable, Forbidden, Permission
from tests.integrations.kubernetes_contract import *  # noqa: F403
from tests.integrations.kubernetes_contract import config_map

pytestmark = pytest.mark.contract


@pytest.fixture
def api() -> MemoryKubernetes:
    return MemoryKubernetes()


@pytest.fixture
def forgetful(api: MemoryKubernetes) -> tuple[MemoryKubernetes, str]:
    version = api.latest_version(CONFIG_MAP)
    api.create(config_map("default"))
    api.forget_history()
    return api, version


def test_a_watch_breaks_when_it_goes_down(api: MemoryKubernetes) -> None:
    changes = api.watch(NAMESPACE, since="0", seconds=30)
    assert next(changes).object["metadata"]["name"] == "default"
    next(changes)
    api.is_down = True
    with pytest.raises(ClusterUnreachable):
        next(changes)


def test_it_is_down_when_told(api: MemoryKubernetes) -> None:
    api.is_down = True
    with pytest.raises(ClusterUnreachable):
        list(api.objects(POD))


def test_it_denies_what_it_is_told(api: MemoryKubernetes) -> None:
    api.denied = {("list", "pods")}
    assert api.missing([Permission("list", "pods"), Permission("get", "pods")]) == [Permission("list", "pods")]
    with pytest.raises(Forbidden):
        list(api.objects(POD))
