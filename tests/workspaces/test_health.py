"""A project of which something is broken for minutes is degraded, and ready again by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive, RemoteServer
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import DEPLOYMENT
from apps.projects import lifecycle
from apps.projects.models import Project
from apps.workspaces import sweeping
from apps.workspaces.models import NamespaceSeen, State, Workspace
from tests.workspaces.conftest import make_orthanc_ready

Status = Project.Status


@pytest.fixture
def healthy(made: Project, twin: MemoryKubernetes) -> Project:
    Workspace.objects.filter(project=made).update(state=State.RUNNING)
    sweep(made)
    assert made.status == Status.READY
    return made


def sweep(project: Project) -> None:
    sweeping.reconcile(project.placement.cluster)
    project.refresh_from_db()


def let_minutes_pass(project: Project) -> None:
    NamespaceSeen.objects.filter(project=project).update(broken_since=timezone.now() - timedelta(minutes=6))


def break_orthanc(twin: MemoryKubernetes, project: Project) -> None:
    deployment = twin.read(DEPLOYMENT, "orthanc", project.namespace)
    assert deployment is not None
    twin.put({**deployment, "status": {"readyReplicas": 0}})


def test_what_is_broken_for_a_moment_changes_nothing(healthy: Project, twin: MemoryKubernetes) -> None:
    break_orthanc(twin, healthy)
    sweep(healthy)
    assert healthy.status == Status.READY
    assert NamespaceSeen.objects.get(project=healthy).broken_since is not None


def test_what_is_broken_for_minutes_is_degraded_until_it_runs_again(healthy: Project, twin: MemoryKubernetes) -> None:
    break_orthanc(twin, healthy)
    sweep(healthy)
    let_minutes_pass(healthy)
    sweep(healthy)
    assert healthy.status == Status.DEGRADED
    event = healthy.events().get(to_status=Status.DEGRADED)
    assert event.why.startswith("Orthanc does not run.")
    make_orthanc_ready(twin, healthy)
    sweep(healthy)
    assert healthy.status == Status.READY
    assert NamespaceSeen.objects.get(project=healthy).broken_since is None


def test_an_archive_that_does_not_answer_degrades(healthy: Project) -> None:
    archive = Archive.objects.get(project=healthy)
    RemoteServer.objects.filter(archive=archive).update(unreachable_since=timezone.now())
    sweep(healthy)
    let_minutes_pass(healthy)
    sweep(healthy)
    assert healthy.events().get(to_status=Status.DEGRADED).why == "The archive does not answer."


def test_what_sleeps_is_not_broken(healthy: Project, twin: MemoryKubernetes, admin: User) -> None:
    break_orthanc(twin, healthy)
    sweep(healthy)
    let_minutes_pass(healthy)
    lifecycle.suspend(healthy, by=admin, why="Pause")
    sweep(healthy)
    assert healthy.status == Status.SUSPENDED
    assert NamespaceSeen.objects.get(project=healthy).broken_since is None
