"""The API server goes away in the middle of setting up; another cluster accepts and never answers."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.clusters.models import Cluster, Placement
from apps.core.models import Step
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import DEPLOYMENT, NAMESPACE
from apps.projects.models import Project
from apps.provisioning import services, steps
from apps.provisioning.selectors import lines_of, steps_for
from apps.workspaces import sweeping, tasks
from apps.workspaces.models import NodePort, Workspace
from apps.workspaces.services import ANSWER_SECONDS
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.portal_side import administrator, known_cluster

pytestmark = [pytest.mark.peers, pytest.mark.faults]
AWAY = "The cluster second cannot be reached; it is tried again by itself."


@pytest.fixture
def second(cluster: Cluster, second_kubernetes: Kubernetes) -> Cluster:
    """Where nothing runs: it has no node."""
    return known_cluster("second", second_kubernetes)


@pytest.fixture
def hanging(cluster: Cluster, hanging_server: int) -> Cluster:
    server = f"https://127.0.0.1:{hanging_server}"
    return Cluster.objects.create(name="hanging", server=server, status=Cluster.Status.REACHABLE)


def look_again(project: Project) -> str:
    """Advances as if time had passed; the sentence of the step that is not done."""
    Step.objects.update(look_again_at=None, status_changed_at=timezone.now() - timedelta(hours=1))
    services.advance(project)
    return next(line.sentence for line in lines_of(steps_for(project)) if line.kind != "done")


def test_an_api_server_that_is_stopped_and_started_during_setting_up(
    project: Project, second: Cluster, second_kubernetes: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    Placement.objects.create(project=project, cluster=second)

    def stop_first(project_pk: int) -> None:
        second_kubernetes.stop_api()
        steps.ACTIONS["network"](project_pk)

    with monkeypatch.context() as patch:
        patch.setattr(services, "ACTIONS", {**steps.ACTIONS, "network": stop_first})
        services.advance(project)
    for _ in range(7):
        assert look_again(project) == AWAY
    second_kubernetes.start_api()
    assert "Orthanc is starting" in look_again(project)
    assert "Orthanc is starting" in look_again(project)
    attempts = {step.name: step.attempts for step in steps_for(project)}
    assert (attempts["network"], attempts["orthanc"]) == (1, 0)
    api = KubernetesClient(administrator(second_kubernetes))
    assert len(list(api.objects(DEPLOYMENT, namespace=project.namespace))) == 1
    assert (Workspace.objects.count(), NodePort.objects.count()) == (1, 1)
    api.delete(NAMESPACE, project.namespace)


def test_a_cluster_that_never_answers_holds_no_other_up(
    project: Project, cluster: Cluster, hanging: Cluster, make_project: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = make_project("stuck")  # type: ignore[operator]
    Placement.objects.create(project=stuck, cluster=hanging)
    begun = time.monotonic()
    with monkeypatch.context() as impatient:
        impatient.setattr(sweeping, "ANSWER_SECONDS", 2.0)
        sweeping.reconcile(hanging)
    assert time.monotonic() - begun < ANSWER_SECONDS + 10
    assert set(sweeping.clusters_in_use()) == {hanging.pk}
    Placement.objects.create(project=project, cluster=cluster)
    begun = time.monotonic()
    tasks.reconcile(cluster.pk)
    services.advance(project)
    assert time.monotonic() - begun < ANSWER_SECONDS
    assert {step.name for step in steps_for(project) if step.status == Step.Status.DONE} >= {"namespace", "roles"}
