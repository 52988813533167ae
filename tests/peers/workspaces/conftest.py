"""A project on the real cluster, with its namespace removed afterwards."""

import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.client import KubernetesClient
from apps.projects.models import Project
from apps.projects.services import Resources, create_project
from apps.provisioning.services import Requester, open_for
from tests.peers import shared
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.portal_side import administrator, known_cluster
from tests.peers.platform_images import REFERENCES
from tests.peers.starting import LOOPBACK, throwaway_folder
from tests.peers.traefik import DOMAIN, Traefik, running_traefik
from tests.plans import project_plan


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> dict[str, str]:
    """References by name; those of servers that run already were pushed when they were started."""
    if shared.is_wanted() and REFERENCES.exists():
        return dict(json.loads(REFERENCES.read_text()))
    return dict(request.getfixturevalue("platform_images"))


@pytest.fixture
def cluster(transactional_db: None, kubernetes: Kubernetes, images: dict[str, str], settings: Any) -> Cluster:
    settings.PLATFORM = "kubernetes"
    settings.ORTHANC_IMAGE, settings.WORKSPACE_IMAGE = images["orthanc"], images["workspace"]
    return known_cluster("main", kubernetes, ssh_host="127.0.0.1")


@pytest.fixture
def api(kubernetes: Kubernetes) -> KubernetesClient:
    return KubernetesClient(administrator(kubernetes))


@pytest.fixture
def project(cluster: Cluster, alice: User, kubernetes: Kubernetes) -> Iterator[Project]:
    """alice's, approved; nothing of it is made yet."""
    some = Resources(cpus=2, memory_gib=4, gpus=1, storage_gib=2)
    project = create_project(project_plan(f"real-{uuid.uuid4().hex[:8]}", granted=some), by=None)
    open_for(project, Requester(alice.email, alice.name, ""))
    yield project
    kubernetes.kubectl("delete", "namespace", project.namespace, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="session")
def traefik(kubernetes: Kubernetes) -> Iterator[Traefik]:
    with throwaway_folder() as folder, running_traefik(folder, kubernetes) as address:
        yield address


@pytest.fixture
def known_traefik(traefik: Traefik, monkeypatch: pytest.MonkeyPatch) -> Traefik:
    """This process knows its names and trusts its certificate, as a hospital's machines know and trust their own."""
    ask = socket.getaddrinfo

    def answer(host: Any, *rest: Any, **options: Any) -> Any:
        return ask(LOOPBACK if str(host).endswith(f".{DOMAIN}") else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setenv("SSL_CERT_FILE", str(traefik.ca))
    return traefik
