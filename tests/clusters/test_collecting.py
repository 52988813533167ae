"""What a look at a cluster writes, when the next one is due, and that one cluster's trouble is its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters import collecting, services
from apps.clusters.models import Cluster, Snapshot
from apps.clusters.permissions import PROJECT_ROLE, lacking, needed_everywhere, to_apply
from apps.clusters.tasks import collect, sweep
from apps.core.leases import lease
from apps.core.state import IllegalTransition
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.projects.models import Project
from tests.clusters.objects import PRODUCT, a_node, a_pod
from tests.clusters.rows import make_cluster

pytestmark = pytest.mark.django_db
Status = Cluster.Status
Look = Callable[[Cluster], Cluster]
Twins = dict[str, MemoryKubernetes]


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster("main")


@pytest.fixture
def twin(twins: Twins, cluster: Cluster) -> MemoryKubernetes:
    twins[cluster.server] = twin = MemoryKubernetes()
    return twin


def test_a_look_writes_nodes_and_pods_of_projects(cluster: Cluster, twin: MemoryKubernetes, looked_at: Look) -> None:
    twin.put(a_node("gpu-1"))
    twin.put(a_node("gpu-2", ready="False"))
    for name in ("cardiac-mr", "theirs"):
        labels = {"app.kubernetes.io/managed-by": "maia-dashboard"} if name == "cardiac-mr" else {}
        twin.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        twin.put(a_pod("busy", name, node="gpu-1", gpus=1))
    twin.put(a_pod("waits", "cardiac-mr", phase="Pending", gpus=2))
    twin.put(a_pod("done", "cardiac-mr", node="gpu-1", phase="Succeeded", gpus=2))

    seen = looked_at(cluster)
    assert (seen.status, seen.trouble, seen.failures) == (Status.REACHABLE, "", 0)
    content = seen.snapshot.content
    assert content["version"] == "v1.34.4"
    first, second = content["nodes"]
    assert (first["name"], first["is_ready"], first["pods"]) == ("gpu-1", True, 2)
    assert first["requested"] == {"cpu": 1.0, "memory": 2 * 1024**3, "gpu": 2}
    assert first["allocatable"] == {"cpu": 32.0, "memory": 128 * 1024**3, "gpu": 2}
    assert (second["name"], second["is_ready"]) == ("gpu-2", False)
    assert content["projects"] == {
        "cardiac-mr": {
            "phases": {"Running": 1, "Pending": 1, "Succeeded": 1},
            "requested": {"cpu": 1.0, "memory": 2 * 1024**3, "gpu": 3},
        }
    }
    # What is not ready gives none.
    assert seen.snapshot.summary["gpus"] == {PRODUCT: {"total": 4, "free": 0, "largest": 0, "largest_on": ""}}


def test_twice_is_once(cluster: Cluster, twin: MemoryKubernetes, looked_at: Look) -> None:
    looked_at(cluster)
    before = looked_at(cluster)
    assert looked_at(cluster).status_changed_at == before.status_changed_at
    assert Snapshot.objects.count() == 1
    assert [event.to_status for event in before.events()] == [Status.REACHABLE]


def test_one_that_is_down_keeps_what_was_seen(cluster: Cluster, twin: MemoryKubernetes, looked_at: Look) -> None:
    twin.put(a_node("gpu-1"))
    taken_at = looked_at(cluster).snapshot.taken_at
    twin.is_down = True
    down = looked_at(cluster)
    assert (down.status, down.failures) == (Status.UNREACHABLE, 1)
    assert down.trouble == "The cluster did not answer in time."
    assert (down.snapshot.taken_at, len(down.snapshot.content["nodes"])) == (taken_at, 1)
    since = down.status_changed_at
    assert looked_at(cluster).status_changed_at == since
    twin.is_down = False
    assert looked_at(cluster).failures == 0


def test_it_is_looked_at_ever_more_seldom_while_it_is_down(
    cluster: Cluster, twin: MemoryKubernetes, looked_at: Look
) -> None:
    twin.is_down = True
    waits = []
    for _ in range(8):
        row = looked_at(cluster)
        waits.append(row.look_again_at - row.looked_at)
    assert waits[:3] == [timedelta(seconds=90), timedelta(seconds=180), timedelta(seconds=360)]
    assert waits[-1] == collecting.LONGEST_WAIT


@pytest.mark.parametrize(("verb", "plural"), [("list", "nodes"), ("list", "pods"), ("list", "namespaces")])
def test_refused_credentials_are_their_own_state(
    cluster: Cluster, twin: MemoryKubernetes, looked_at: Look, verb: str, plural: str
) -> None:
    twin.denied = {(verb, plural)}
    seen = looked_at(cluster)
    assert seen.status == Status.REFUSED
    assert "permissions do not suffice" in seen.trouble


def test_credentials_that_cannot_be_opened_say_so(cluster: Cluster, twin: MemoryKubernetes, settings: Any) -> None:
    settings.CREDENTIALS_KEY = "another"
    collecting.look(Cluster.objects.get())
    seen = Cluster.objects.get()
    assert seen.status == Status.REFUSED
    assert "CREDENTIALS_KEY" in seen.trouble


def test_what_is_json_but_not_kubernetes_is_unreachable(
    cluster: Cluster, twin: MemoryKubernetes, looked_at: Look
) -> None:
    twin.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "odd"}, "status": {"conditions": [1]}})
    assert looked_at(cluster).trouble == "What answers at the cluster's address is not Kubernetes."


def test_a_slow_one_ends_at_its_time(cluster: Cluster, twin: MemoryKubernetes) -> None:
    twin.put(a_pod("one", "default"))
    with pytest.raises(collecting.ClusterUnreachable, match="too slowly"):
        collecting.see(twin, seconds=-1)


def test_what_changed_by_hand_goes_before_a_look_under_way(
    cluster: Cluster, twin: MemoryKubernetes, admin: User
) -> None:
    under_way = Cluster.objects.get()
    services.change(Cluster.objects.get(), by=admin)
    collecting.look(under_way)
    assert Cluster.objects.get().status == Status.NEVER_SEEN
    assert not Snapshot.objects.exists()


def test_a_disabled_one_is_left_alone(cluster: Cluster, twins: Twins, admin: User) -> None:
    under_way = Cluster.objects.get()
    services.disable(Cluster.objects.get(), by=admin)
    with pytest.raises(IllegalTransition):
        services.disable(under_way, by=admin)
    collecting.look(under_way)
    sweep()
    collect(cluster.pk)
    assert Cluster.objects.get().status == Status.DISABLED
    services.enable(Cluster.objects.get(), by=admin)
    collect(cluster.pk)
    assert Cluster.objects.get().status == Status.REACHABLE


@pytest.mark.django_db(transaction=True)
def test_the_sweep_looks_at_each_that_is_due(twins: Twins, bells: list[str]) -> None:
    for name in ("a", "b", "c"):
        make_cluster(name, server=f"https://{name}.invalid")
    later = make_cluster("later", look_again_at=timezone.now() + timedelta(hours=1))
    twins["https://b.invalid"] = broken = MemoryKubernetes()
    broken.is_down = True
    sweep()
    states = dict(Cluster.objects.values_list("name", "status"))
    assert states == {
        "a": Status.REACHABLE,
        "b": Status.UNREACHABLE,
        "c": Status.REACHABLE,
        later.name: Status.NEVER_SEEN,
    }
    assert Cluster.objects.filter(look_again_at__lte=timezone.now()).count() == 0


@pytest.mark.django_db(transaction=True)
def test_looks_leave_half_of_the_worker_free(cluster: Cluster, twins: Twins, bells: list[str]) -> None:
    with lease("clusters.lane.0"), lease("clusters.lane.1"):
        collect(cluster.pk)
        assert Cluster.objects.get().looked_at is None
    collect(cluster.pk)
    assert Cluster.objects.get().looked_at


def test_one_that_was_claimed_is_not_looked_at_twice(cluster: Cluster) -> None:
    assert collecting._claim(cluster.pk)
    assert collecting._claim(cluster.pk) is None


def test_a_check_names_what_is_missing(cluster: Cluster, twin: MemoryKubernetes) -> None:
    twin.denied = {("create", "namespaces"), ("get", "clusterroles")}
    services.ask_check(cluster)
    collecting.check(cluster)
    cluster.check_of_permissions.refresh_from_db()
    assert cluster.check_of_permissions.missing[0] == "create namespaces"
    assert len(cluster.check_of_permissions.missing) == 2
    assert len(needed_everywhere()) > 10


def test_a_check_of_one_that_is_down_says_so(cluster: Cluster, twin: MemoryKubernetes) -> None:
    twin.is_down = True
    services.ask_check(cluster)
    collecting.check(cluster)
    collecting.check(cluster)
    cluster.check_of_permissions.refresh_from_db()
    assert cluster.check_of_permissions.answered_at
    assert cluster.check_of_permissions.trouble == "The cluster did not answer in time."


def test_a_project_is_placed_once_on_the_emptiest_that_answers(
    project: Project, make_project: Callable[[str], Project]
) -> None:
    with pytest.raises(services.NoCluster):
        services.place(project)
    make_cluster("down", Status.UNREACHABLE)
    full, empty = make_cluster("a-full", Status.REACHABLE), make_cluster("b-empty", Status.REACHABLE)
    services.place(make_project("other"), cluster=full)
    placed = services.place(project)
    assert placed.cluster == empty
    Cluster.objects.update(status=Status.DISABLED)
    assert services.place(project) == placed
    assert services.place(project, cluster=full).cluster == empty


@pytest.mark.parametrize(
    ("access", "address"),
    [
        ("direct", "http://10.96.3.4:8042"),
        ("in_cluster", "http://orthanc.cardiac-mr.svc:8042"),
        ("proxy", "https://{server}/api/v1/namespaces/cardiac-mr/services/http:orthanc:8042/proxy"),
        ("ingress", "https://orthanc-cardiac-mr.maia.example:8443"),
    ],
)
def test_services_are_reached_as_the_cluster_says(cluster: Cluster, access: str, address: str) -> None:
    service = {"metadata": {"name": "orthanc", "namespace": "cardiac-mr"}, "spec": {"clusterIP": "10.96.3.4"}}
    cluster.service_access, cluster.domain = access, "maia.example:8443"
    route = services.route_to(cluster, service, 8042)
    assert route.address == address.format(server=cluster.server.removeprefix("https://"))
    tokens = {"proxy": cluster.token, "ingress": ""}
    assert (route.gateway.token if route.gateway else None) == tokens.get(access)


@pytest.mark.parametrize(("access", "missing"), [("direct", 0), ("proxy", 3), ("ingress", 5)])
def test_each_way_needs_its_own_permissions(access: str, missing: int) -> None:
    printed = list(yaml.safe_load_all(to_apply(Cluster.ServiceAccess.DIRECT)))
    role = next(one for one in printed if one["metadata"]["name"] == PROJECT_ROLE)
    assert len(lacking(role, access)) == missing
    printed = list(yaml.safe_load_all(to_apply(access)))
    role = next(one for one in printed if one["metadata"]["name"] == PROJECT_ROLE)
    assert lacking(role, access) == []
