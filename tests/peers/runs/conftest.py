from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive, Series
from apps.archives.services import ensure_remote_archive
from apps.clusters.models import Cluster
from apps.clusters.services import place
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import DEPLOYMENT, JOB, POD, SERVICE, KubernetesApi
from apps.integrations.kubernetes.route import Route
from apps.jobs import in_cluster, services
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry, enter
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.workspaces import manifests
from tests.dicom import ct_series
from tests.jobs.conftest import stored
from tests.jobs.packages import install
from tests.peers.images import Podman
from tests.peers.kubernetes import Kubernetes
from tests.peers.kubernetes.portal_side import administrator, known_cluster
from tests.peers.registry import Registry
from tests.peers.starting import throwaway_folder
from tests.waiting import wait_until

HERE = Path(__file__).parent
Launch = Callable[..., Run]
PASSWORD = "a password of these tests"
ORTHANC = manifests.OrthancWish(storage_gib=1, ae_title="RUNS", users={"explorer": "another", "portal": PASSWORD})


@pytest.fixture(scope="session")
def programs_image(registry: Registry, platform_images: dict[str, str]) -> str:
    """The hostile and the plain algorithms of these tests, by digest."""
    with throwaway_folder() as folder:
        podman = Podman(folder)
        name = f"{registry.host}/run-tests/programs"
        base = f"--build-arg=BASE={platform_images['threshold-segmentation']}"
        podman.run("build", "--quiet", base, "--tag", f"{name}:1", HERE)
        return f"{name}@{podman.push(f'{name}:1')}"


@pytest.fixture(scope="session")
def api(kubernetes: Kubernetes) -> KubernetesApi:
    return KubernetesClient(administrator(kubernetes))


@pytest.fixture(scope="session")
def namespace(kubernetes: Kubernetes, api: KubernetesApi) -> Iterator[str]:
    """A project's namespace with all its rules, gone afterwards."""
    name = f"run-tests-{uuid4().hex[:8]}"
    kubernetes.kubectl("create", "namespace", name)
    kubernetes.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    where, grant = manifests.Place(name, "local", (), "", ""), manifests.Grant(8, 32, 3, 200)
    quota = manifests.resource_quota(where, grant, workspaces=0, homes=0)
    for manifest in (quota, manifests.limit_range(where), *manifests.network_policies(where)):
        api.apply(manifest)
    try:
        yield name
    finally:
        kubernetes.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def empty_namespace(api: KubernetesApi, namespace: str) -> Iterator[str]:
    """No run is in it, before the test and after."""
    yield namespace
    for job in api.objects(JOB, namespace=namespace):
        api.delete(JOB, job["metadata"]["name"], namespace)
    for pod in _pods_of_runs(api, namespace):
        api.delete(POD, pod, namespace, grace_seconds=0)
    wait_until(lambda: not _pods_of_runs(api, namespace), 60)


@pytest.fixture(scope="session")
def orthanc_address(api: KubernetesApi, namespace: str, platform_images: dict[str, str]) -> str:
    """The project's Orthanc, as the portal makes it; its address within the cluster."""
    where = manifests.Place(namespace, "local", (), platform_images["orthanc"], "")
    for manifest in manifests.orthanc(where, ORTHANC):
        api.apply(manifest)

    def is_ready() -> bool:
        return bool((api.read(DEPLOYMENT, "orthanc", namespace) or {})["status"].get("readyReplicas"))

    wait_until(is_ready, 120)
    service = api.read(SERVICE, "orthanc", namespace)
    assert service
    return f"http://{service['spec']['clusterIP']}:8042"


@pytest.fixture(autouse=True)
def own_folders(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Primary keys begin anew with each test, so folders named by them must too."""
    settings = request.getfixturevalue("settings")
    settings.ARCHIVES_DIR, settings.RUNS_DIR = tmp_path / "archives", tmp_path / "runs"
    settings.RUNS_DIR.mkdir()


@pytest.fixture
def cluster(kubernetes: Kubernetes, platform_images: dict[str, str], settings, db: None) -> Cluster:
    settings.PORTAL_IMAGE = platform_images["maia-dashboard"]
    return known_cluster("main", kubernetes)


@pytest.fixture
def placed(make_project: Callable[[str], Project], empty_namespace: str, cluster: Cluster, bob: User) -> Project:
    project = make_project(empty_namespace)
    ensure_member(project, bob, role=Membership.Role.MEMBER)
    place(project, cluster=cluster)
    return project


@pytest.fixture
def as_bob(placed: Project, bob: User) -> Entry:
    return enter(bob, placed.namespace)


@pytest.fixture
def archive(placed: Project, orthanc_address: str) -> Archive:
    return ensure_remote_archive(placed, route=Route(orthanc_address), username="portal", password=PASSWORD)


@pytest.fixture
def ct(archive: Archive, tmp_path: Path) -> Series:
    """A CT of four images, new to the archive."""
    return stored(archive, ct_series(tmp_path / "ct", seed=str(tmp_path)))


@pytest.fixture
def segmentation(db: None, platform_images: dict[str, str]) -> Algorithm:
    services.sync_bundled()
    return services.set_image("threshold-segmentation", platform_images["threshold-segmentation"])


@pytest.fixture
def launch(as_bob: Entry, ct: Series, programs_image: str, settings, tmp_path: Path, monkeypatch) -> Launch:
    """Launches one of the programs as an algorithm of one minute unless told otherwise."""

    def make(
        program: str, *, image: str = programs_image, limits: dict[str, float] | None = None, **fields: Any
    ) -> Run:
        algorithm = install(settings, tmp_path / program, "", **{"timeout_seconds": 60, **fields})
        Algorithm.objects.filter(pk=algorithm.pk).update(image=image)
        algorithm.refresh_from_db()
        spec_of = in_cluster.spec_of

        def with_program(*arguments: Any) -> Any:
            spec = spec_of(*arguments)
            allowed = replace(spec.limits, **(limits or {}))
            return replace(spec, arguments=(*spec.arguments, f"--program={program}"), limits=allowed)

        monkeypatch.setattr(in_cluster, "spec_of", with_program)
        return services.launch(as_bob, algorithm, ct, arguments={})

    return make


def _pods_of_runs(api: KubernetesApi, namespace: str) -> list[str]:
    found = api.objects(POD, namespace=namespace, labels="app.kubernetes.io/name=run")
    return [pod["metadata"]["name"] for pod in found]
