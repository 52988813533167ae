"""A project whose images the portal reaches through the API server, or by an ingress: set up, filled, read back."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.archives.services import ArchiveUnreachable, refresh
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import INGRESS
from apps.projects.models import Project
from apps.workspaces.models import Drift, NamespaceSeen
from tests.archives.dicomweb import Service, parts_of
from tests.dicom import WrittenSeries, ct_series
from tests.peers.traefik import Traefik
from tests.peers.workspaces.test_project import set_up, sweep
from tests.waiting import wait_until

# The first start builds Traefik.
pytestmark = [pytest.mark.peers]
POD_RANGE = "10.98.0.0/16"
Access = Cluster.ServiceAccess


def go_by(access: str, cluster: Cluster, traefik: Traefik) -> None:
    """As an administrator's form has it."""
    cluster.service_access, cluster.passed_on_from = access, POD_RANGE
    cluster.domain, cluster.ingress_class = traefik.domain, traefik.ingress_class
    cluster.clean()
    cluster.save()


@pytest.fixture
def portal(project: Project, alice: User, settings: Any, tmp_path: Path) -> Service:
    """The project's DICOMweb endpoint, for alice."""
    settings.ARCHIVES_DIR, settings.OBJECT_CACHE_DIR = tmp_path / "archives", tmp_path / "object-cache"
    service = Service.by_session(alice)
    service.root = f"/projects/{project.namespace}/dicomweb"
    return service


def archive_that_answers(project: Project) -> Archive:
    archive = Archive.objects.get(project=project, is_default=True)

    def is_complete() -> bool:
        try:
            return refresh(archive)
        except ArchiveUnreachable:
            return False

    wait_until(is_complete, 60)
    return archive


def assert_read_back(portal: Service, series: WrittenSeries) -> None:
    answer = portal.get(f"studies/{series.study_instance_uid}", 'multipart/related; type="application/dicom"')
    assert {body for _, body in parts_of(answer)} == {path.read_bytes() for path in series.paths}


@pytest.mark.parametrize("access", [Access.PROXY, Access.INGRESS])
def test_images_go_there_and_come_back(
    project: Project, cluster: Cluster, portal: Service, known_traefik: Traefik, tmp_path: Path, access: str
) -> None:
    go_by(access, cluster, known_traefik)
    set_up(Project.objects.get(pk=project.pk))
    archive = archive_that_answers(project)
    series = ct_series(tmp_path / "source", slices=5)
    portal.store_files(series.paths)
    assert refresh(archive)
    assert Instance.objects.filter(archive=archive).count() == 5
    assert_read_back(portal, series)
    sweep(project)
    assert list(Drift.objects.all()) == []
    assert NamespaceSeen.objects.get(project=project).trouble == ""


def test_a_cluster_goes_from_one_way_to_the_next(
    project: Project,
    cluster: Cluster,
    portal: Service,
    known_traefik: Traefik,
    tmp_path: Path,
    api: KubernetesClient,
    settings: Any,
) -> None:
    set_up(project)
    archive_that_answers(project)
    series = ct_series(tmp_path / "source", slices=3)
    portal.store_files(series.paths)
    addresses: set[str] = set()
    for access in (Access.PROXY, Access.INGRESS, Access.DIRECT):
        go_by(access, cluster, known_traefik)
        sweep(project)
        addresses.add(archive_that_answers(project).server.address)
        settings.OBJECT_CACHE_DIR = tmp_path / f"empty-{access}"
        assert_read_back(portal, series)
        assert (api.read(INGRESS, "orthanc", project.namespace) is not None) is (access == Access.INGRESS)
    assert len(addresses) == 3
    assert Instance.objects.count() == 3
    assert list(Drift.objects.all()) == []
