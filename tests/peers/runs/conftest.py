from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import KubernetesApi
from tests.peers.images import Podman
from tests.peers.kubernetes import Kubernetes
from tests.peers.kubernetes.portal_side import administrator
from tests.peers.registry import Registry
from tests.peers.starting import throwaway_folder

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def programs_image(registry: Registry, platform_images: dict[str, str]) -> str:
    """The hostile and the plain algorithms of these tests, by digest."""
    with throwaway_folder() as folder:
        podman = Podman(folder)
        name = f"{registry.host}/run-tests/programs"
        base = f"--build-arg=BASE={platform_images['threshold-segmentation']}"
        podman.run("build", "--quiet", "--tls-verify=false", "--isolation", "chroot", base, "--tag", f"{name}:1", HERE)
        return f"{name}@{podman.push(f'{name}:1')}"


@pytest.fixture(scope="session")
def api(kubernetes: Kubernetes) -> KubernetesApi:
    return KubernetesClient(administrator(kubernetes))


@pytest.fixture(scope="session")
def namespace(kubernetes: Kubernetes) -> Iterator[str]:
    """A namespace under the strictest Pod Security, gone afterwards."""
    name = f"run-tests-{uuid4().hex[:8]}"
    kubernetes.kubectl("create", "namespace", name)
    kubernetes.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield name
    finally:
        kubernetes.kubectl("delete", "namespace", name, "--wait=false")
