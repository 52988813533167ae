"""Whose turn it is where many projects share a cluster, and that a worker that was overtaken writes nothing more."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.clusters.models import Cluster, Placement
from apps.core.leases import LeaseLost, lease
from apps.core.models import Lease
from apps.integrations.kubernetes.fenced import fenced
from apps.integrations.kubernetes.memory import MemoryKubernetes
from apps.integrations.kubernetes.port import DEPLOYMENT, NAMESPACE, ApiRefused, ClusterUnreachable, KubernetesApi
from apps.projects.models import Project
from apps.workspaces import observing, reconciling, sweeping, tasks
from apps.workspaces.models import NamespaceSeen

A_NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "one"}}


@pytest.fixture
def many(make_project: Callable[[str], Project], cluster: Cluster, twin: MemoryKubernetes) -> list[Project]:
    projects = [make_project(f"project-{number:03}") for number in range(200)]
    for project in projects:
        Placement.objects.create(project=project, cluster=cluster)
    return projects


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The projects that were tried, in order; each takes a second, the third is refused and the fifth in pieces."""
    tried: list[int] = []
    monkeypatch.setattr(sweeping.time, "monotonic", lambda: float(len(tried)))
    monkeypatch.setattr(observing, "observe", lambda *_: None)

    def reconcile(project: Project, _: KubernetesApi) -> None:
        tried.append(project.pk)
        if project.namespace == "project-002":
            raise ApiRefused(500, "InternalError", "no")
        if project.namespace == "project-004":
            raise KeyError("metadata")

    monkeypatch.setattr(reconciling, "reconcile", reconcile)
    return tried


def test_of_two_hundred_each_gets_its_turn(many: list[Project], cluster: Cluster, tried: list[int]) -> None:
    in_a_turn = int(sweeping.TURN_SECONDS) + 1
    sweeping.reconcile(cluster)
    assert tried == [project.pk for project in many[:in_a_turn]]
    for _ in range(4):
        sweeping.reconcile(cluster)
    assert tried[:200] == [project.pk for project in many]
    assert tried[200:] == [project.pk for project in many[: 5 * in_a_turn - 200]]


def test_a_cluster_that_stops_answering_goes_on_with_the_next_project(
    many: list[Project], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def reconcile(project: Project, _: KubernetesApi) -> None:
        tried.append(project.pk)
        raise ClusterUnreachable("The cluster has trouble of its own.")

    monkeypatch.setattr(reconciling, "reconcile", reconcile)
    for _ in range(3):
        sweeping.reconcile(cluster)
    assert tried == [project.pk for project in many[:3]]


def test_a_new_project_comes_first(many: list[Project], cluster: Cluster, tried: list[int]) -> None:
    NamespaceSeen.objects.bulk_create(NamespaceSeen(project=one, tried_at=timezone.now()) for one in many[1:])
    sweeping.reconcile(cluster)
    assert tried[0] == many[0].pk


@pytest.fixture
def paused() -> Iterator[Callable[[], None]]:
    """Does as if this worker had been paused for so long that another has the lease."""

    def pause() -> None:
        Lease.objects.update(held_until=timezone.now() + timedelta(minutes=5))

    yield pause
    Lease.objects.update(held_until=timezone.now())


def test_a_worker_that_was_paused_leaves_the_other_projects_to_its_successor(
    many: list[Project], cluster: Cluster, tried: list[int], paused: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "observe", lambda *_: paused())
    tasks.reconcile(cluster.pk)
    assert tried == [many[0].pk]


def test_a_worker_that_was_paused_writes_nothing_more(
    made: Project, cluster: Cluster, twin: MemoryKubernetes, paused: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    twin.delete(DEPLOYMENT, "orthanc", made.namespace)
    found = reconciling._found

    def found_and_paused(*args: object) -> object:
        seen = found(*args)
        paused()
        return seen

    monkeypatch.setattr(reconciling, "_found", found_and_paused)
    tasks.reconcile(cluster.pk)
    assert twin.read(DEPLOYMENT, "orthanc", made.namespace) is None


@pytest.mark.django_db
def test_each_write_asks_first_and_no_reading_does(paused: Callable[[], None]) -> None:
    twin = MemoryKubernetes()
    with lease("work") as held:
        assert held
        api = fenced(twin, held.check)
        api.create(A_NAMESPACE)
        paused()
        assert api.read(NAMESPACE, "one")
        for write in (
            lambda: api.apply(A_NAMESPACE),
            lambda: api.create(A_NAMESPACE),
            lambda: api.delete(NAMESPACE, "one"),
        ):
            with pytest.raises(LeaseLost):
                write()
    assert twin.read(NAMESPACE, "one")
