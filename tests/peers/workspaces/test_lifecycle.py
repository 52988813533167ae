"""A project's whole life on a real cluster: asleep, awake, archived, deleted; nothing is left, also after kills."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.archives.services import ArchiveUnreachable, fetch
from apps.clusters.models import Placement
from apps.core.models import Lease, Step
from apps.datasets.uploads.services import import_files
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import (
    JOB,
    NAMESPACE,
    RESOURCE_QUOTA,
    SERVICE,
    ApiRefused,
)
from apps.jobs import endings
from apps.projects import clock, granting, lifecycle
from apps.projects.groups import groups_of
from apps.projects.models import Project, ProjectChange
from apps.projects.services import Resources
from apps.provisioning import lifecycle as following
from apps.provisioning.selectors import lines_of, steps_of_life
from apps.workspaces.models import Drift, NodePort, Workspace
from tests.accounts.keycloak_mode import use_keycloak
from tests.dicom import ct_series
from tests.killing import exit_of_child
from tests.peers.keycloak import Keycloak
from tests.peers.keycloak.realm import Realm, imported_realm
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.mail import Mail
from tests.peers.workspaces.others import bare_pod, is_suspended, job, model_server, pods, replicas
from tests.peers.workspaces.test_project import ours, set_up, sweep
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]
Status = Project.Status


def follow(project: Project, *, timeout_seconds: float = 180) -> None:
    """What follows from the latest turn is done; time that steps would wait passes at once."""
    change = project.changes.order_by("pk").last()
    assert change is not None

    def is_done() -> bool:
        endings.sweep()
        Step.objects.filter(look_again_at__isnull=False).update(look_again_at=timezone.now())
        following.advance(ProjectChange.objects.select_related("project").get(pk=change.pk))
        change.refresh_from_db()
        return change.done_at is not None

    try:
        wait_until(is_done, timeout_seconds)
    except AssertionError:
        pytest.fail("; ".join(f"{line.title}: {line.kind} {line.sentence}" for line in lines_of(steps_of_life(change))))
    project.refresh_from_db()


def stored(project: Project, alice: User, folder: Path) -> Instance:
    """An image in the project's Orthanc."""
    archive = Archive.objects.get(project=project, is_default=True)
    receipt = import_files(archive, ct_series(folder, slices=1).paths, by=alice)
    assert receipt.refused == []
    return Instance.objects.select_related("archive", "series__study").get(archive=archive)


def to_deletion(project: Project, alice: User) -> None:
    lifecycle.schedule_deletion(project, typed=project.namespace, by=alice)
    follow(project)
    Project.objects.filter(pk=project.pk).update(delete_at=timezone.now() - timedelta(seconds=1))
    clock.sweep()
    project.refresh_from_db()
    assert project.status == Status.DELETING


def assert_nothing_is_left(project: Project, api: KubernetesClient, kubernetes: Kubernetes) -> None:
    assert project.status == Status.DELETED
    assert api.read(NAMESPACE, project.namespace) is None
    # This cluster's volumes are each of one claim only, and not wiped: those released are nobody's any more.
    bound = "jsonpath={.items[?(@.status.phase=='Bound')].spec.claimRef.namespace}"
    assert project.namespace not in str(kubernetes.kubectl("get", "persistentvolumes", "-o", bound))
    assert not Archive.objects.exists()
    assert not Placement.objects.exists()
    assert not Workspace.objects.exists()
    assert not NodePort.objects.exists()


def test_suspended_it_sleeps_and_resumed_it_is_as_before(
    project: Project, api: KubernetesClient, admin: User, alice: User, tmp_path: Path
) -> None:
    set_up(project)
    image = stored(project, alice, tmp_path)
    for manifest in model_server(project):
        api.create(manifest)
    before = ours(api, project)
    workspace = Workspace.objects.get(project=project)
    assert replicas(api, project) == {"orthanc": 1, workspace.name: 1, "brain": 2}

    lifecycle.suspend(project, by=admin, why="Pause")
    follow(project)
    assert replicas(api, project) == {"orthanc": 0, workspace.name: 0, "brain": 0}
    wait_until(lambda: pods(api, project) == [], 60)
    sweep(project)
    assert replicas(api, project) == {"orthanc": 0, workspace.name: 0, "brain": 0}
    assert ours(api, project) == before
    assert list(Drift.objects.all()) == []
    with pytest.raises(ArchiveUnreachable, match="suspended"), fetch(image):
        pass

    lifecycle.resume(project, by=admin)
    follow(project)
    assert replicas(api, project) == {"orthanc": 1, workspace.name: 1, "brain": 2}
    sweep(project)
    assert list(Drift.objects.all()) == []
    with fetch(image) as path:
        assert path.stat().st_size == image.size_bytes


def test_asleep_nothing_of_anybody_runs_or_begins(project: Project, api: KubernetesClient, admin: User) -> None:
    set_up(project)
    api.create(bare_pod(project, "bare"))
    api.create(job(project))
    wait_until(lambda: any(name.startswith("training-") for name in pods(api, project)), 60)

    lifecycle.suspend(project, by=admin, why="Pause")
    follow(project)
    assert pods(api, project) == []
    assert is_suspended(api, project)
    with pytest.raises(ApiRefused, match="exceeded quota"):
        api.create(bare_pod(project, "another"))
    sweep(project)
    assert pods(api, project) == []
    assert list(Drift.objects.all()) == []

    lifecycle.resume(project, by=admin)
    follow(project)
    assert not is_suspended(api, project)
    wait_until(lambda: any(name.startswith("training-") for name in pods(api, project)), 60)
    assert "bare" not in pods(api, project)
    api.create(bare_pod(project, "another"))


def test_archived_nothing_of_others_is_left(project: Project, api: KubernetesClient, alice: User) -> None:
    set_up(project)
    api.create(bare_pod(project, "bare"))
    api.create(job(project))
    lifecycle.archive(project, by=alice)
    follow(project)
    assert api.read(JOB, "training", project.namespace) is None
    wait_until(lambda: [name for name in pods(api, project) if not name.startswith("orthanc-")] == [], 60)


def test_archived_it_keeps_its_images_readable_and_restored_it_has_workspaces_again(
    project: Project, api: KubernetesClient, admin: User, alice: User, tmp_path: Path
) -> None:
    set_up(project)
    image = stored(project, alice, tmp_path)
    for manifest in model_server(project):
        api.create(manifest)
    home = Workspace.objects.get(project=project).name
    lifecycle.archive(project, by=alice)
    follow(project)
    assert replicas(api, project) == {"orthanc": 1}
    assert [one["metadata"]["name"] for one in api.objects(SERVICE, namespace=project.namespace)] == ["orthanc"]
    sweep(project)
    left = [one for one in ours(api, project) if one[1].startswith("workspace-") and one[0] != "NetworkPolicy"]
    assert left == [("PersistentVolumeClaim", home)]
    assert list(Drift.objects.all()) == []
    with fetch(image) as path:
        assert path.stat().st_size == image.size_bytes

    lifecycle.restore(project, by=admin)
    follow(project)
    assert replicas(api, project) == {"orthanc": 1, home: 1}


@pytest.mark.parametrize("storage_gib", [1, 5])
def test_other_resources_reach_the_quota_and_a_volume_that_cannot_grow_stays(
    project: Project, api: KubernetesClient, admin: User, storage_gib: int
) -> None:
    set_up(project)
    granting.grant_resources(project, Resources(cpus=3, memory_gib=4, gpus=2, storage_gib=storage_gib), by=admin)
    follow(project)
    quota = api.read(RESOURCE_QUOTA, "project", project.namespace)
    assert quota is not None
    assert quota["spec"]["hard"]["requests.nvidia.com/gpu"] == "2"
    sweep(project)
    project.namespace_seen.refresh_from_db()
    assert project.namespace_seen.trouble == ""
    assert list(Drift.objects.all()) == []


def test_deleted_nothing_of_it_is_left(
    project: Project, api: KubernetesClient, kubernetes: Kubernetes, alice: User, tmp_path: Path
) -> None:
    set_up(project)
    stored(project, alice, tmp_path)
    to_deletion(project, alice)
    follow(project)
    assert_nothing_is_left(project, api, kubernetes)


def test_somebody_elses_namespace_of_that_name_stays(
    project: Project, api: KubernetesClient, kubernetes: Kubernetes, alice: User
) -> None:
    set_up(project)
    to_deletion(project, alice)
    kubernetes.kubectl("delete", "namespace", project.namespace)
    kubernetes.kubectl("create", "namespace", project.namespace)
    follow(project)
    assert project.status == Status.DELETED
    assert api.read(NAMESPACE, project.namespace) is not None


@pytest.mark.faults
def test_a_worker_killed_after_each_step_leaves_it_asleep_archived_and_awake(
    project: Project, api: KubernetesClient, admin: User
) -> None:
    set_up(project)
    workspace = Workspace.objects.get(project=project).name
    lifecycle.suspend(project, by=admin, why="Pause")
    _kill_after_each(project, "runs", "sleep")
    assert replicas(api, project) == {"orthanc": 0, workspace: 0}
    lifecycle.archive(project, by=admin)
    _kill_after_each(project, "runs", "retire", "wake")
    assert replicas(api, project) == {"orthanc": 1}
    lifecycle.restore(project, by=admin)
    _kill_after_each(project, "wake")
    assert replicas(api, project) == {"orthanc": 1, workspace: 1}
    sweep(project)
    assert list(Drift.objects.all()) == []


@pytest.fixture
def realm(keycloak: Keycloak, mail: Mail) -> Iterator[Realm]:
    with imported_realm(keycloak, portal_url="http://portal.example", mail=mail) as realm:
        yield realm


@pytest.fixture
def at_keycloak(realm: Realm, settings: Any) -> Realm:
    use_keycloak(settings, PUBLIC_URL=realm.portal_url, ALLOWED_HOSTS=["*"], **realm.settings)
    return realm


@pytest.mark.faults
def test_a_worker_killed_after_each_step_of_the_deletion_leaves_nothing(
    at_keycloak: Realm, project: Project, api: KubernetesClient, kubernetes: Kubernetes, alice: User
) -> None:
    directory = at_keycloak.directory()
    set_up(project)
    subject = alice.identities.get().subject
    assert f"MAIA:{project.namespace}:owner" in directory.groups_of(subject)
    to_deletion(project, alice)
    _kill_after_each(project, "runs", "workspaces", "orthanc", "namespace", "images", "groups", "end")
    assert_nothing_is_left(project, api, kubernetes)
    assert directory.groups_of(subject) & set(groups_of(project.namespace).values()) == set()
    found = at_keycloak.as_administrator("GET", f"/groups?search=MAIA:{project.namespace}")
    assert found.json() == []


def _kill_after_each(project: Project, *names: str) -> None:
    """Each step of what follows from the latest turn is done by a worker that is killed then."""
    change = project.changes.order_by("pk").last()
    assert change is not None
    for name in names:
        wait_until(lambda: _is_killed_after(change, name), 180)  # noqa: B023 - called at once
    follow(project)


def _is_killed_after(change: ProjectChange, name: str) -> bool:
    """Whether a worker did the step before it was killed; the steps before it are done, or waited for."""

    def work() -> None:
        endings.sweep()
        act = following.ACTIONS[name]

        def die(change_pk: int) -> None:
            act(change_pk)
            os.kill(os.getpid(), signal.SIGKILL)

        following.ACTIONS = {**following.ACTIONS, name: die}
        following.advance(following.change_by_pk(change.pk))

    Step.objects.filter(look_again_at__isnull=False).update(look_again_at=timezone.now())
    is_killed = exit_of_child(work) < 0
    Lease.objects.update(held_until=timezone.now())
    Step.objects.filter(status=Step.Status.RUNNING).update(status_changed_at=timezone.now() - timedelta(hours=1))
    return is_killed
