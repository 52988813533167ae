"""What the platform has free, on the page of a request: read from rows and this machine, never from a cluster."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster, Placement, Snapshot
from apps.projects.models import Project
from apps.registrations import capacity
from tests.clusters.rows import make_cluster
from tests.conftest import ClientOf
from tests.queries import cost_of
from tests.registrations.conftest import Make

pytestmark = pytest.mark.django_db
GIB = 1024**3
SUMMARY = {
    "cpu": {"allocatable": 64, "requested": 40.5},
    "memory": {"allocatable": 256 * GIB, "requested": 56 * GIB},
    "gpus": {"A100": {"total": 4, "free": 1, "largest": 1, "largest_on": "node-a"}},
}


def test_this_machine_tells_what_it_has_and_what_was_granted(
    approver: User, client_of: ClientOf, waiting: Make, make_project: Callable[[str], Project]
) -> None:
    row = waiting()
    path = f"/approvals/{row.pk}/"
    page = client_of(approver).get(path).text
    assert "This machine" in page
    assert "CPU cores, shared by all" in page
    assert "Granted: nothing so far" in page
    make_project("one")
    two = make_project("two")
    page = client_of(approver).get(path).text
    assert "16 CPU cores, 64 GiB of memory, 2 GPUs and 400 GiB of storage, to 2 projects" in page
    two.move_to(Project.Status.ARCHIVED)
    assert "to 1 project<" in client_of(approver).get(path).text


@pytest.fixture
def cluster(settings: Any) -> Cluster:
    settings.PLATFORM = "kubernetes"
    cluster = make_cluster("main")
    cluster.move_to(Cluster.Status.REACHABLE)
    Snapshot.objects.create(cluster=cluster, taken_at=timezone.now(), content={}, summary=SUMMARY)
    return cluster


def test_a_cluster_is_shown_as_last_seen(cluster: Cluster, make_project: Callable[[str], Project]) -> None:
    Placement.objects.create(project=make_project("one"), cluster=cluster)
    (place,) = capacity.places()
    assert place.free == ["24 of 64 CPU cores", "200 of 256 GiB of memory", "1 of 4 A100"]
    assert (place.name, place.trouble) == ("main", "")
    assert place.granted.startswith("8 CPU cores")
    cluster.move_to(Cluster.Status.UNREACHABLE)
    (place,) = capacity.places()
    assert place.trouble.startswith("Unreachable since")
    assert place.free


def test_a_cluster_that_was_never_seen_and_one_that_is_disabled(settings: Any) -> None:
    settings.PLATFORM = "kubernetes"
    make_cluster("new")
    make_cluster("old").move_to(Cluster.Status.DISABLED)
    (place,) = capacity.places()
    assert (place.name, place.free, place.as_of) == ("new", [], None)
    assert "Never seen" in place.trouble


def test_more_clusters_and_projects_cost_no_more(
    approver: User, client_of: ClientOf, waiting: Make, cluster: Cluster, make_project: Callable[[str], Project]
) -> None:
    client, path = client_of(approver), f"/approvals/{waiting().pk}/"
    before = cost_of(client, path)
    for number in range(10):
        Placement.objects.create(project=make_project(f"n-{number}"), cluster=cluster)
        make_cluster(f"more-{number}")
    assert cost_of(client, path) == before


def test_who_decides_nothing_new_is_not_shown_it(alice: User, client_of: ClientOf, joining: Make) -> None:
    assert "What the platform has" not in client_of(alice).get(f"/approvals/{joining().pk}/").text
