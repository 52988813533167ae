"""A worker dies before or right after the effect of each step on a cluster: its successor leaves one of everything.

The same with SIGKILL on a real cluster: tests/peers/workspaces.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from apps.archives.models import Archive
from apps.clusters.models import Cluster, Placement
from apps.core.models import Step
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import KINDS
from apps.projects.models import Project
from apps.provisioning import plan, services, steps
from apps.workspaces.models import Applied, Drift, NodePort, OrthancAccess, Workspace
from apps.workspaces.sweeping import reconcile
from tests.provisioning.test_provision import approved_project
from tests.workspaces.conftest import cluster, make_orthanc_ready, twin

__all__ = ["cluster", "twin"]
pytestmark = pytest.mark.faults


class Killed(BaseException):
    """Like SIGKILL: nothing in the ledger may catch it."""


@pytest.mark.parametrize("name", [name for name, _ in plan.KUBERNETES])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_at_a_step(
    name: str, when: str, twin: MemoryKubernetes, cluster: Cluster, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PLATFORM = "kubernetes"
    project = approved_project()

    def die(project_pk: int) -> None:
        if when == "after":
            steps.ACTIONS[name](project_pk)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(services, "ACTIONS", {**steps.ACTIONS, name: die})
        with pytest.raises(Killed):
            advance_with_a_ready_orthanc(project, twin)
    Step.objects.update(
        status_changed_at=timezone.now() - timedelta(seconds=django_settings.CLAIM_SECONDS + 1), look_again_at=None
    )
    advance_with_a_ready_orthanc(project, twin)
    reconcile(cluster)
    assert_one_of_everything(project, twin)


def advance_with_a_ready_orthanc(project: Project, twin: MemoryKubernetes) -> None:
    for _ in range(3):
        if services.advance(project):
            return
        if (project.namespace, "orthanc") in names(twin, "Deployment"):
            make_orthanc_ready(twin, project)
        Step.objects.update(look_again_at=None)


def names(twin: MemoryKubernetes, kind: str) -> list[tuple[str, str]]:
    kinds = (known for known in KINDS if known.kind == kind)
    found = [one["metadata"] for known in kinds for one in twin.objects(known)]
    return [(metadata.get("namespace", ""), metadata["name"]) for metadata in found]


def assert_one_of_everything(project: Project, twin: MemoryKubernetes) -> None:
    project.refresh_from_db()
    assert project.status == Project.Status.READY
    for model in (Placement, OrthancAccess, Workspace, NodePort, Archive):
        assert model.objects.count() == 1, model
    workspace = Workspace.objects.get()
    assert names(twin, "Deployment") == [(project.namespace, "orthanc")]
    assert names(twin, "StatefulSet") == [(project.namespace, workspace.name)]
    assert len(names(twin, "PersistentVolumeClaim")) == 2
    made = sum(len(names(twin, kind.kind)) for kind in KINDS if kind.is_namespaced)
    assert made + 1 == Applied.objects.count()
    assert list(Drift.objects.all()) == []
