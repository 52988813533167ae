"""A project is set up, kept and watched with no more than the permissions that the portal prints for administrators."""

import pytest

from apps.accounts.models import User
from apps.integrations.kubernetes.client import KubernetesClient
from apps.projects import lifecycle
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.workspaces import services, sweeping
from apps.workspaces.models import App, Drift, NamespaceSeen, State, Workspace
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.test_client_permissions import portal
from tests.peers.workspaces.test_lifecycle import assert_nothing_is_left, follow, model_server, to_deletion
from tests.peers.workspaces.test_project import set_up, sweep

__all__ = ["portal"]
pytestmark = [pytest.mark.peers, pytest.mark.rights]


def test_the_printed_permissions_suffice(
    project: Project, portal: KubernetesClient, kubernetes: Kubernetes, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (services, sweeping):
        monkeypatch.setattr(module, "connect", lambda cluster, **_: portal)
    set_up(project)
    sweep(project)
    membership = ensure_member(project, bob, role=Membership.Role.MEMBER)
    sweep(project)
    membership.delete()
    kubernetes.kubectl("delete", "deployment", "orthanc", "--namespace", project.namespace)
    kubernetes.kubectl("delete", "rolebinding", "maia-dashboard", "--namespace", project.namespace)
    sweep(project)
    sweep(project)
    assert {(one.kind, one.name) for one in Drift.objects.all()} == {
        ("Deployment", "orthanc"),
        ("RoleBinding", "maia-dashboard"),
    }
    assert Workspace.objects.get(user=bob).removed_at is not None
    assert NamespaceSeen.objects.get(project=project).trouble == ""
    sweeping.observe_unsettled(project.placement.cluster)
    assert App.objects.get(project=project, name="orthanc").state in (State.PENDING, State.RUNNING)


def test_the_printed_permissions_suffice_for_a_projects_whole_life(
    project: Project,
    portal: KubernetesClient,
    api: KubernetesClient,
    kubernetes: Kubernetes,
    alice: User,
    admin: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (services, sweeping):
        monkeypatch.setattr(module, "connect", lambda cluster, **_: portal)
    set_up(project)
    for manifest in model_server(project):
        api.create(manifest)
    lifecycle.suspend(project, by=admin, why="Pause")
    follow(project)
    lifecycle.resume(project, by=admin)
    follow(project)
    lifecycle.archive(project, by=alice)
    follow(project)
    to_deletion(project, alice)
    follow(project)
    assert_nothing_is_left(project, api, kubernetes)
