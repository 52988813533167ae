from collections.abc import Callable

import pytest

from apps.clusters import collecting, services
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import Credentials


@pytest.fixture
def twins(monkeypatch: pytest.MonkeyPatch) -> dict[str, MemoryKubernetes]:
    """The twin behind each cluster's address; one is made for whichever is asked."""
    made: dict[str, MemoryKubernetes] = {}

    def client(credentials: Credentials, **_: float) -> MemoryKubernetes:
        return made.setdefault(credentials.server, MemoryKubernetes())

    monkeypatch.setattr(services, "KubernetesClient", client)
    return made


@pytest.fixture
def looked_at(twins: dict[str, MemoryKubernetes]) -> Callable[[Cluster], Cluster]:
    """Looks at the cluster now; the row as it is afterwards."""

    def look(cluster: Cluster) -> Cluster:
        collecting.look(Cluster.objects.get(pk=cluster.pk))
        return Cluster.objects.get(pk=cluster.pk)

    return look
