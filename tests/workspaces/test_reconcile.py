"""What the sweep repairs, removes and leaves alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.devices import Device
from apps.archives.models import Archive
from apps.audit.models import Entry
from apps.clusters.models import Cluster, Placement
from apps.core.models import Lease
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    Kind,
)
from apps.projects.models import Project
from apps.workspaces import services, sweeping, tasks
from apps.workspaces.models import Applied, Drift, NamespaceSeen, NodePort, Workspace
from tests.workspaces.conftest import connect_to, down


def trouble(project: Project) -> str:
    return NamespaceSeen.objects.get(project=project).trouble


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (DEPLOYMENT, "orthanc"),
        (SERVICE, "orthanc"),
        (SECRET, "orthanc"),
        (RESOURCE_QUOTA, "project"),
        (NETWORK_POLICY, "default-deny"),
        (ROLE_BINDING, "project-view"),
        (ROLE_BINDING, "maia-dashboard"),
    ],
    ids=lambda one: one.kind if isinstance(one, Kind) else one,
)
def test_what_was_deleted_by_hand_is_made_again(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster, kind: Kind, name: str
) -> None:
    twin.delete(kind, name, kept.namespace)
    sweeping.reconcile(cluster)
    assert twin.read(kind, name, kept.namespace) is not None
    drift = Drift.objects.get()
    assert (drift.kind, drift.name, drift.what) == (kind.kind, name, Drift.What.DELETED)
    assert Entry.objects.filter(action="namespace.repaired", project_pk=kept.pk).count() == 1
    sweeping.reconcile(cluster)
    assert Drift.objects.count() == 1


def test_what_was_changed_by_hand_is_put_right(kept: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    quota = twin.read(RESOURCE_QUOTA, "project", kept.namespace)
    assert quota is not None
    quota["spec"]["hard"]["requests.nvidia.com/gpu"] = "64"
    twin.put(quota)
    sweeping.reconcile(cluster)
    assert Drift.objects.get().fields == "spec.hard.requests.nvidia.com/gpu"
    repaired = twin.read(RESOURCE_QUOTA, "project", kept.namespace)
    assert repaired is not None
    assert repaired["spec"]["hard"]["requests.nvidia.com/gpu"] == "1"


def test_a_whole_namespace_comes_back(kept: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    before = Applied.objects.count()
    twin.delete(NAMESPACE, kept.namespace)
    sweeping.reconcile(cluster)
    assert Drift.objects.filter(what=Drift.What.DELETED).count() == before == Applied.objects.count()
    assert twin.read(DEPLOYMENT, "orthanc", kept.namespace) is not None


def test_a_namespace_that_is_being_deleted_is_waited_for(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster
) -> None:
    there = twin.read(NAMESPACE, kept.namespace)
    assert there is not None
    there["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    twin.put(there)
    sweeping.reconcile(cluster)
    assert "still being deleted" in trouble(kept)
    assert list(Drift.objects.all()) == []


def test_a_namespace_that_somebody_else_has_made_since_is_left_alone(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster
) -> None:
    twin.delete(NAMESPACE, kept.namespace)
    twin.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kept.namespace}})
    sweeping.reconcile(cluster)
    assert "not this project's" in trouble(kept)
    assert twin.read(DEPLOYMENT, "orthanc", kept.namespace) is None


def test_another_address_of_orthanc_reaches_the_archive(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster
) -> None:
    twin.delete(SERVICE, "orthanc", kept.namespace)
    sweeping.reconcile(cluster)
    service = twin.read(SERVICE, "orthanc", kept.namespace)
    assert service is not None
    assert service["spec"]["clusterIP"] in Archive.objects.get(project=kept).server.address


def test_a_wish_that_changed_is_no_drift(kept: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    kept.allocation.granted_gpus = 2
    kept.allocation.save()
    sweeping.reconcile(cluster)
    quota = twin.read(RESOURCE_QUOTA, "project", kept.namespace)
    assert quota is not None
    assert quota["spec"]["hard"]["requests.nvidia.com/gpu"] == "2"
    assert list(Drift.objects.all()) == []


def test_strays_with_our_label_go_and_things_of_runs_and_others_stay(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster
) -> None:
    ours = {"app.kubernetes.io/managed-by": "maia-dashboard", "maia.io/project": kept.namespace}
    for name, labels in (
        ("stray", ours),
        ("of-a-run", {**ours, "app.kubernetes.io/name": "run"}),
        ("theirs", {"team": "x"}),
    ):
        metadata = {"name": name, "namespace": kept.namespace, "labels": labels}
        twin.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    sweeping.reconcile(cluster)
    left = {name for name in ("stray", "of-a-run", "theirs") if twin.read(CONFIG_MAP, name, kept.namespace)}
    assert left == {"of-a-run", "theirs"}
    assert [(one.name, one.what) for one in Drift.objects.all()] == [("stray", Drift.What.ADDED)]


def test_what_the_cluster_refuses_is_told_and_holds_nothing_else_up(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster
) -> None:
    twin.delete(NETWORK_POLICY, "dns", kept.namespace)
    twin.delete(DEPLOYMENT, "orthanc", kept.namespace)
    twin.denied.add(("patch", "networkpolicies"))
    sweeping.reconcile(cluster)
    assert trouble(kept) == "The cluster did not take NetworkPolicy dns (Forbidden)."
    assert twin.read(DEPLOYMENT, "orthanc", kept.namespace) is not None
    twin.denied.clear()
    sweeping.reconcile(cluster)
    assert trouble(kept) == ""


@pytest.mark.faults
def test_a_cluster_that_is_away_changes_nothing(kept: Project, twin: MemoryKubernetes, cluster: Cluster) -> None:
    before = list(Applied.objects.values_list())
    with down(twin):
        sweeping.reconcile(cluster)
    assert list(Applied.objects.values_list()) == before
    assert trouble(kept) == ""


@pytest.mark.faults
def test_a_project_in_trouble_holds_no_other_up(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster, make_project: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_project("other")  # type: ignore[operator]
    Placement.objects.create(project=other, cluster=cluster)
    real = services.prepare

    def broken(project: Project) -> None:
        if project == kept:
            raise RuntimeError("unexpected")
        real(project)

    monkeypatch.setattr("apps.workspaces.reconciling.prepare", broken)
    sweeping.reconcile(cluster)
    assert twin.read(NAMESPACE, "other") is not None


@pytest.mark.faults
def test_each_cluster_is_swept_by_itself(
    kept: Project, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, make_project: object
) -> None:
    hanging = Cluster.objects.create(name="hanging", server="https://192.0.2.2", status=Cluster.Status.REACHABLE)
    gone = Cluster.objects.create(name="gone", server="https://192.0.2.3", status=Cluster.Status.UNREACHABLE)
    for number, one in enumerate((hanging, gone)):
        Placement.objects.create(project=make_project(f"p{number}"), cluster=one)  # type: ignore[operator]
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(tasks, "ring", lambda task, pk: rung.append((task, pk)))
    tasks.sweep()
    assert rung == [("workspaces.reconcile", cluster.pk), ("workspaces.reconcile", hanging.pk)]


def test_one_worker_a_cluster(kept: Project, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Cluster] = []
    monkeypatch.setattr(sweeping, "reconcile", lambda one, **_: calls.append(one))
    held = timezone.now() + timedelta(minutes=5)
    Lease.objects.update_or_create(name=f"workspaces.reconcile.{cluster.pk}", defaults={"held_until": held})
    tasks.reconcile(cluster.pk)
    assert calls == []
    Lease.objects.update(held_until=timezone.now())
    tasks.reconcile(cluster.pk)
    assert calls == [cluster]


def test_a_port_that_is_somebody_elses_by_now_is_replaced(
    kept: Project, cluster: Cluster, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = Workspace.objects.get(user=alice)
    number = hers.node_port.number
    fresh = MemoryKubernetes()
    spec = {"type": "NodePort", "ports": [{"port": 22, "nodePort": number}]}
    metadata = {"name": "theirs", "namespace": "default"}
    fresh.put({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    connect_to(fresh, monkeypatch)
    sweeping.reconcile(cluster)
    sweeping.reconcile(cluster)
    service = fresh.read(SERVICE, f"{hers.name}-ssh", kept.namespace)
    assert service is not None
    assert service["spec"]["ports"][0]["nodePort"] != number
    assert NodePort.objects.get(number=number).workspace is None


def test_devices_open_the_dimse_port_and_their_absence_closes_it(
    kept: Project, twin: MemoryKubernetes, cluster: Cluster, admin: User
) -> None:
    services.list_devices(kept, [Device("CT1", "10.1.2.3")], by=admin.pk)
    sweeping.reconcile(cluster)
    service = twin.read(SERVICE, "orthanc-dicom", kept.namespace)
    assert service is not None
    assert service["spec"]["ports"][0]["nodePort"] == NodePort.objects.get(dicom_of=kept).number
    assert twin.read(NETWORK_POLICY, "orthanc-dicom", kept.namespace) is not None
    services.list_devices(kept, [], by=admin.pk)
    sweeping.reconcile(cluster)
    assert twin.read(SERVICE, "orthanc-dicom", kept.namespace) is None
    assert twin.read(NETWORK_POLICY, "orthanc-dicom", kept.namespace) is None
    assert list(Drift.objects.all()) == []
