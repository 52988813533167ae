"""What a project has on its cluster follows the state of its life: asleep, awake, without workspaces, gone."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.archives.models import Archive, RemoteServer
from apps.archives.services import ensure_remote_archive
from apps.clusters.models import Placement
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import (
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    POD,
    RESOURCE_QUOTA,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Manifest,
)
from apps.integrations.kubernetes.route import Route
from apps.projects import lifecycle
from apps.projects.models import Project
from apps.workspaces import resting, services, sweeping
from apps.workspaces.models import Applied, Drift, NodePort, OrthancAccess, Workspace
from apps.workspaces.services import NotYet
from tests.integrations.orthanc import PASSWORD, USERNAME, TwinOrthanc, running_twin
from tests.workspaces.conftest import claim_of, granted_storage, make_orthanc_ready, read

Status = Project.Status


@pytest.fixture(autouse=True)
def orthanc() -> Iterator[TwinOrthanc]:
    """What the project's archive is at."""
    with running_twin() as running:
        yield running


@pytest.fixture(autouse=True)
def _leads_there(orthanc: TwinOrthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(project: Project, *, route: Route, username: str, password: str) -> Archive:
        return ensure_remote_archive(project, route=Route(orthanc.url), username=USERNAME, password=PASSWORD)

    monkeypatch.setattr(services, "ensure_remote_archive", connected)


def replicas(twin: MemoryKubernetes, project: Project) -> dict[str, int]:
    return {
        one["metadata"]["name"]: one["spec"]["replicas"]
        for kind in (DEPLOYMENT, STATEFUL_SET)
        for one in twin.objects(kind, namespace=project.namespace)
    }


def deployment_of_somebody(project: Project, replicas: int) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "brain", "namespace": project.namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "brain"}}, "template": {}},
    }


def job_of_somebody(project: Project, name: str = "training", **spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": project.namespace}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {}, **spec}}


def pod(project: Project, name: str, *, owner: str = "", phase: str = "Running", app: str = "") -> Manifest:
    references = [{"apiVersion": "v1", "kind": owner, "name": "its", "uid": "1"}] if owner else []
    labels = {"app.kubernetes.io/name": app} if app else {}
    metadata = {"name": name, "namespace": project.namespace, "labels": labels, "ownerReferences": references}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": phase}}


def pods(twin: MemoryKubernetes, project: Project) -> list[str]:
    return [one["metadata"]["name"] for one in twin.objects(POD, namespace=project.namespace)]


def jobs(twin: MemoryKubernetes, project: Project) -> dict[str, bool | None]:
    """Which are suspended."""
    found = twin.objects(JOB, namespace=project.namespace)
    return {one["metadata"]["name"]: one["spec"].get("suspend") for one in found}


def to_deletion(project: Project, by: User) -> Project:
    lifecycle.schedule_deletion(project, typed=project.namespace, by=by)
    lifecycle.begin_deletion(project)
    return project


def most_pods(twin: MemoryKubernetes, project: Project) -> str | None:
    hard: dict[str, str] = read(twin, project, RESOURCE_QUOTA, "project")["spec"]["hard"]
    return hard.get("pods")


def suspended(project: Project, admin: User) -> Project:
    lifecycle.suspend(project, by=admin, why="Pause")
    return project


def awake_names(project: Project) -> dict[str, int]:
    names = [one.name for one in Workspace.objects.filter(project=project, removed_at=None)]
    return {"orthanc": 1, **dict.fromkeys(names, 1)}


def test_asleep_nothing_runs_and_no_sweep_wakes_it(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    twin.put(deployment_of_somebody(made, 3))
    resting.sleep(suspended(made, admin))
    resting.sleep(made)
    assert set(replicas(twin, made).values()) == {0}
    sweeping.reconcile(made.placement.cluster)
    assert set(replicas(twin, made).values()) == {0}
    assert list(Drift.objects.all()) == []


def test_somebody_who_wakes_it_by_hand_is_corrected(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    resting.sleep(suspended(made, admin))
    sweeping.reconcile(made.placement.cluster)
    deployment = twin.read(DEPLOYMENT, "orthanc", made.namespace)
    assert deployment is not None
    twin.put({**deployment, "spec": {**deployment["spec"], "replicas": 1}})
    sweeping.reconcile(made.placement.cluster)
    assert replicas(twin, made)["orthanc"] == 0
    assert [drift.what for drift in Drift.objects.all()] == [Drift.What.CHANGED]


def test_pods_that_are_still_there_are_waited_for(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    twin.put(pod(made, "orthanc-1", owner="ReplicaSet", app="orthanc"))
    with pytest.raises(NotYet, match="is being stopped"):
        resting.sleep(suspended(made, admin))
    assert pods(twin, made) == []
    resting.sleep(made)


def test_nothing_begins_in_it_while_it_is_asleep(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    assert most_pods(twin, made) is None
    resting.sleep(suspended(made, admin))
    assert most_pods(twin, made) == "0"
    twin.delete(RESOURCE_QUOTA, "project", made.namespace)
    sweeping.reconcile(made.placement.cluster)
    assert most_pods(twin, made) == "0"
    lifecycle.resume(made, by=admin)
    resting.wake(made)
    assert most_pods(twin, made) is None


def test_pods_of_anybody_end_and_those_that_have_ended_stay(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    for one in (pod(made, "bare"), pod(made, "of-daemon", owner="DaemonSet"), pod(made, "done", phase="Succeeded")):
        twin.put(one)
    with pytest.raises(NotYet, match="is being stopped"):
        resting.sleep(suspended(made, admin))
    resting.sleep(made)
    assert pods(twin, made) == ["done"]


def test_jobs_of_others_are_suspended_and_go_on(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    ended = {"conditions": [{"type": "Complete", "status": "True"}]}
    twin.put(job_of_somebody(made))
    twin.put(job_of_somebody(made, "paused", suspend=True))
    twin.put({**job_of_somebody(made, "over"), "status": ended})
    twin.put(pod(made, "training-1", owner="Job"))
    with pytest.raises(NotYet):
        resting.sleep(suspended(made, admin))
    assert pods(twin, made) == ["training-1"]  # its Job ends it
    twin.delete(POD, "training-1", made.namespace)
    resting.sleep(made)
    assert jobs(twin, made) == {"over": None, "paused": True, "training": True}
    lifecycle.resume(made, by=admin)
    resting.wake(made)
    assert jobs(twin, made) == {"over": None, "paused": True, "training": False}
    assert resting.AWAKE not in str(read(twin, made, JOB, "training"))


def test_archived_it_has_no_jobs_nor_pods_of_others(made: Project, twin: MemoryKubernetes, alice: User) -> None:
    twin.put(job_of_somebody(made))
    for one in (
        pod(made, "bare"),
        pod(made, "of-daemon", owner="DaemonSet"),
        pod(made, "orthanc-1", owner="ReplicaSet"),
    ):
        twin.put(one)
    lifecycle.archive(made, by=alice)
    with pytest.raises(NotYet, match="are being stopped"):
        resting.retire(made)
    resting.retire(made)
    assert jobs(twin, made) == {}
    assert pods(twin, made) == ["of-daemon", "orthanc-1"]
    assert most_pods(twin, made) is None


def test_what_is_for_another_state_does_nothing(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    twin.put(pod(made, "bare"))
    before = [replicas(twin, made), pods(twin, made)]
    for bring in (
        resting.sleep,
        resting.retire,
        resting.remove_workspaces,
        resting.remove_orthanc,
        resting.remove_namespace,
    ):
        bring(made)
    assert [replicas(twin, made), pods(twin, made)] == before
    changed = granted_storage(made, 300, admin)
    to_deletion(changed, admin)
    resting.wake(changed)
    resting.follow_grant(changed)
    resting.grow_volume(changed)
    assert claim_of(twin, made) == "200Gi"


def test_awake_it_is_as_before(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    twin.put(deployment_of_somebody(made, 3))
    before = {**awake_names(made), "brain": 3}
    assert replicas(twin, made) == before
    resting.sleep(suspended(made, admin))
    lifecycle.resume(made, by=admin)
    twin.put({**read(twin, made, DEPLOYMENT, "orthanc"), "status": {}})
    with pytest.raises(NotYet, match="Orthanc is starting"):
        resting.wake(made)
    make_orthanc_ready(twin, made)
    resting.wake(made)
    assert replicas(twin, made) == before
    assert resting.AWAKE not in str(read(twin, made, DEPLOYMENT, "brain"))


def test_archived_there_are_no_workspaces_and_homes_are_kept(
    made: Project, twin: MemoryKubernetes, alice: User, admin: User
) -> None:
    twin.put(deployment_of_somebody(made, 3))
    homes = {one["metadata"]["name"] for one in twin.objects(VOLUME_CLAIM, namespace=made.namespace)}
    before = awake_names(made)
    lifecycle.archive(made, by=alice)
    resting.retire(made)
    resting.retire(made)
    assert replicas(twin, made) == {"orthanc": 1}
    assert {one["metadata"]["name"] for one in twin.objects(VOLUME_CLAIM, namespace=made.namespace)} == homes
    assert not NodePort.objects.exists()
    lifecycle.restore(made, by=admin)
    resting.wake(made)
    assert replicas(twin, made) == before


def test_an_archived_suspended_project_wakes_its_orthanc(made: Project, twin: MemoryKubernetes, admin: User) -> None:
    resting.sleep(suspended(made, admin))
    lifecycle.archive(made, by=admin)
    resting.retire(made)
    resting.wake(made)
    assert replicas(twin, made) == {"orthanc": 1}


def test_awake_is_who_has_an_archive_that_answers(made: Project, orthanc: TwinOrthanc, admin: User) -> None:
    archive = services.connect_archive(made)
    resting.sleep(suspended(made, admin))
    lifecycle.resume(made, by=admin)
    orthanc.fault = "error"
    with pytest.raises(NotYet, match="does not answer"):
        resting.wake(made)
    orthanc.fault = ""
    resting.wake(made)
    assert RemoteServer.objects.get(archive=archive).unreachable_since is None


def test_the_namespace_goes_with_all_that_is_in_it(made: Project, twin: MemoryKubernetes, alice: User) -> None:
    to_deletion(made, alice)
    for remove in (resting.remove_workspaces, resting.remove_orthanc, resting.remove_namespace):
        with pytest.raises(NotYet):
            remove(made)
        remove(made)
    assert twin.read(NAMESPACE, made.namespace) is None
    for remove in (resting.remove_workspaces, resting.remove_orthanc, resting.remove_namespace):
        remove(made)


def test_a_namespace_of_somebody_else_is_left_alone(made: Project, twin: MemoryKubernetes, alice: User) -> None:
    to_deletion(made, alice)
    twin.delete(NAMESPACE, made.namespace)
    twin.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}})
    twin.put(deployment_of_somebody(made, 1))
    for remove in (resting.remove_workspaces, resting.remove_orthanc, resting.remove_namespace):
        remove(made)
    assert replicas(twin, made) == {"brain": 1}


def test_its_rows_are_forgotten(made: Project) -> None:
    resting.forget(made)
    for model in (Applied, OrthancAccess, Workspace, NodePort, Placement):
        assert not model._default_manager.exists()
