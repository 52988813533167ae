from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster, Placement
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import DEPLOYMENT, VOLUME_CLAIM, Kind, KubernetesApi, Manifest
from apps.projects.granting import grant_resources
from apps.projects.models import Project
from apps.projects.services import Resources
from apps.workspaces import services, sweeping
from apps.workspaces.models import Drift, NamespaceSeen, State, Workspace


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


def read(twin: MemoryKubernetes, project: Project, kind: Kind, name: str) -> Manifest:
    found = twin.read(kind, name, project.namespace)
    assert found is not None
    return found


def claim_of(twin: MemoryKubernetes, project: Project) -> str:
    claim = read(twin, project, VOLUME_CLAIM, "orthanc")
    return str(claim["spec"]["resources"]["requests"]["storage"])


def granted_storage(project: Project, gib: int, admin: User) -> Project:
    grant_resources(project, Resources(cpus=8, memory_gib=32, gpus=1, storage_gib=gib), by=admin)
    return Project.objects.select_related("placement__cluster", "allocation").get(pk=project.pk)


@pytest.fixture
def front(settings: Any) -> None:
    settings.WORKSPACES_URL = "https://desktops.example"


@pytest.fixture
def running(made: Project, front: None) -> Project:
    """With all workspaces running."""
    Workspace.objects.update(state=State.RUNNING, address="10.96.0.7", seen_at=timezone.now())
    NamespaceSeen.objects.update(seen_at=timezone.now())
    return made


def live(client: Client, project: Project) -> str:
    response = client.get(reverse("workspaces:live", args=[project.namespace]))
    assert response.status_code == 200
    return response.content.decode()
