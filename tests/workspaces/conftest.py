from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from apps.clusters.models import Cluster, Placement
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import DEPLOYMENT, KubernetesApi
from apps.projects.models import Project
from apps.workspaces import services, sweeping
from apps.workspaces.models import Drift


@pytest.fixture
def cluster(db: None) -> Cluster:
    return Cluster.objects.create(
        name="main",
        server="https://192.0.2.1:6443",
        status=Cluster.Status.REACHABLE,
        image_prefix="registry.example/maia",
        ssh_host="ssh.example",
    )


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> MemoryKubernetes:
    """The cluster that every connection leads to."""
    twin = MemoryKubernetes()
    connect_to(twin, monkeypatch)
    return twin


def connect_to(api: KubernetesApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (services, sweeping):
        monkeypatch.setattr(module, "connect", lambda cluster, **_: api)


@pytest.fixture
def placed(project: Project, cluster: Cluster) -> Project:
    """alice's project on the cluster, of which nothing is made yet."""
    Placement.objects.create(project=project, cluster=cluster)
    return project


@pytest.fixture
def made(placed: Project, twin: MemoryKubernetes) -> Project:
    """The same with everything made."""
    for part in services.PARTS:
        services.make_part(placed, part)
    make_orthanc_ready(twin, placed)
    return placed


def make_orthanc_ready(twin: MemoryKubernetes, project: Project) -> None:
    deployment = twin.read(DEPLOYMENT, "orthanc", project.namespace)
    assert deployment is not None
    generation = deployment["metadata"].get("generation")
    status = {"readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": generation}
    twin.put({**deployment, "status": status})


@contextmanager
def down(twin: MemoryKubernetes) -> Iterator[None]:
    twin.is_down = True
    yield
    twin.is_down = False


@pytest.fixture
def kept(made: Project, cluster: Cluster) -> Project:
    """As it is after a first sweep."""
    sweeping.reconcile(cluster)
    assert list(Drift.objects.all()) == []
    return made
