"""A project is set up on a cluster: every step, twice, refused, and while the cluster is away."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.archives.models import Archive
from apps.audit.models import Entry
from apps.clusters.models import Cluster
from apps.core.models import Step
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import DEPLOYMENT, KINDS, NAMESPACE, SECRET, SERVICE, STATEFUL_SET
from apps.projects.models import Project
from apps.provisioning import services
from apps.provisioning.selectors import lines_of, steps_for
from apps.workspaces.models import NodePort, OrthancAccess, Workspace
from tests.provisioning.test_provision import approved_project
from tests.workspaces.conftest import down, make_orthanc_ready


@pytest.fixture
def project(db: None, settings: Any, cluster: Cluster) -> Project:
    """Approved, on a portal whose projects live on Kubernetes."""
    settings.PLATFORM = "kubernetes"
    return approved_project()


def look_again() -> None:
    Step.objects.update(look_again_at=timezone.now(), status_changed_at=timezone.now() - timedelta(hours=1))
    services.sweep()


def state_of(project: Project) -> dict[str, str]:
    return {step.name: step.status for step in steps_for(project)}


def waits_with(project: Project) -> str:
    return next(line.sentence for line in lines_of(steps_for(project)) if line.kind != "done")


def set_up(project: Project, twin: MemoryKubernetes) -> None:
    services.advance(project)
    make_orthanc_ready(twin, project)
    look_again()
    project.refresh_from_db()
    assert project.status == Project.Status.READY


def everything(twin: MemoryKubernetes, namespace: str) -> list[tuple[str, str]]:
    return [
        (kind.kind, one["metadata"]["name"])
        for kind in KINDS
        if kind.is_namespaced
        for one in twin.objects(kind, namespace=namespace)
    ]


def test_a_project_is_set_up_on_the_cluster(project: Project, twin: MemoryKubernetes) -> None:
    assert not services.advance(project)
    assert "Orthanc is starting" in waits_with(project)
    set_up(project, twin)
    assert set(state_of(project).values()) == {Step.Status.DONE}
    namespace = twin.read(NAMESPACE, project.namespace)
    assert namespace is not None
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    workspace = Workspace.objects.get(project=project)
    made = everything(twin, project.namespace)
    assert len(made) == len(set(made))
    assert ("StatefulSet", workspace.name) in made
    service = twin.read(SERVICE, f"{workspace.name}-ssh", project.namespace)
    assert service is not None
    assert service["spec"]["ports"][0]["nodePort"] == workspace.node_port.number


def test_the_archive_is_the_orthanc_with_a_password_of_its_own(project: Project, twin: MemoryKubernetes) -> None:
    set_up(project, twin)
    archive = Archive.objects.get(project=project, is_default=True)
    service, access = twin.read(SERVICE, "orthanc", project.namespace), OrthancAccess.objects.get(project=project)
    assert service is not None
    assert archive.server.address == f"http://{service['spec']['clusterIP']}:8042"
    assert archive.server.password == access.password
    assert len(access.password) > 40


def test_all_steps_again_make_nothing_more(project: Project, twin: MemoryKubernetes) -> None:
    set_up(project, twin)
    before, password = everything(twin, project.namespace), OrthancAccess.objects.get(project=project).password
    for action in services.ACTIONS:
        if action in state_of(project):
            services.ACTIONS[action](project.pk)
    assert everything(twin, project.namespace) == before
    assert OrthancAccess.objects.get(project=project).password == password
    assert (Workspace.objects.count(), NodePort.objects.count(), Archive.objects.count()) == (1, 1, 1)


def test_a_namespace_of_somebody_else_is_never_adopted(project: Project, twin: MemoryKubernetes) -> None:
    foreign = {"name": project.namespace, "labels": {"team": "billing"}}
    twin.put({"apiVersion": "v1", "kind": "Namespace", "metadata": dict(foreign)})
    services.advance(project)
    assert state_of(project)["namespace"] == Step.Status.FAILED
    assert "already that is not this project's" in waits_with(project)
    there = twin.read(NAMESPACE, project.namespace)
    assert there is not None
    assert "maia.io/project" not in there["metadata"]["labels"]
    assert everything(twin, project.namespace) == []


def test_nor_one_that_another_portal_has_labelled_the_same(project: Project, twin: MemoryKubernetes) -> None:
    labels = {"app.kubernetes.io/managed-by": "maia-dashboard", "maia.io/project": project.namespace}
    twin.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": project.namespace, "labels": labels}})
    services.advance(project)
    assert state_of(project)["namespace"] == Step.Status.FAILED


def test_a_cluster_that_is_away_burns_no_attempts(project: Project, twin: MemoryKubernetes) -> None:
    with down(twin):
        services.advance(project)
        for _ in range(8):
            look_again()
        assert waits_with(project) == "The cluster main cannot be reached; it is tried again by itself."
        assert [step.attempts for step in steps_for(project) if step.name == "namespace"] == [0]
    look_again()
    make_orthanc_ready(twin, project)
    look_again()
    project.refresh_from_db()
    assert project.status == Project.Status.READY


def test_without_a_cluster_it_waits_for_one(project: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    Cluster.objects.update(status=Cluster.Status.UNREACHABLE)
    services.advance(project)
    assert "No cluster can take the project now" in waits_with(project)
    Cluster.objects.update(status=Cluster.Status.REACHABLE)
    look_again()
    assert project.placement.cluster == cluster


def test_a_refusal_is_told_and_retried(project: Project, twin: MemoryKubernetes) -> None:
    twin.denied.add(("patch", "networkpolicies"))
    services.advance(project)
    assert "does not allow it" in waits_with(project)
    twin.denied.clear()
    look_again()
    assert state_of(project)["network"] == Step.Status.DONE


def test_a_port_of_somebody_else_is_left_to_them(project: Project, twin: MemoryKubernetes) -> None:
    Cluster.objects.update(ssh_port_first=30100, ssh_port_last=30101)
    service = {"type": "NodePort", "ports": [{"port": 22, "nodePort": 30100}]}
    metadata = {"name": "theirs", "namespace": "default"}
    twin.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    set_up(project, twin)
    assert Workspace.objects.get(project=project).node_port.number == 30101


def test_a_range_that_is_used_up_is_told(project: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    Cluster.objects.update(ssh_port_first=30100, ssh_port_last=30100)
    NodePort.objects.create(cluster=cluster, number=30100)
    services.advance(project)
    assert "range of SSH ports is used up" in waits_with(project)


def test_no_secret_is_in_a_row_that_people_read(project: Project, twin: MemoryKubernetes) -> None:
    set_up(project, twin)
    password = OrthancAccess.objects.get(project=project).password
    shown = [line.sentence for line in lines_of(steps_for(project))] + [str(one.detail) for one in Entry.objects.all()]
    assert not any(password in text for text in shown)
    secret = twin.read(SECRET, "orthanc", project.namespace)
    assert secret is not None


def test_orthanc_that_cannot_start_says_why(project: Project, twin: MemoryKubernetes) -> None:
    services.advance(project)
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    labels = {"app.kubernetes.io/name": "orthanc"}
    twin.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "orthanc-1", "namespace": project.namespace, "labels": labels},
            "spec": {},
            "status": {"phase": "Pending", "containerStatuses": [{"state": waiting}]},
        }
    )
    look_again()
    assert "image cannot be fetched from the registry" in waits_with(project)
    assert twin.read(DEPLOYMENT, "orthanc", project.namespace) is not None
    assert list(twin.objects(STATEFUL_SET, namespace=project.namespace)) == []
