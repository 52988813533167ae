"""Where projects live on clusters, an approver chooses the cluster, or leaves it to the portal."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.projects.models import Project
from tests.conftest import ClientOf
from tests.registrations.conftest import Make, grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def clusters(settings: Any) -> dict[str, Cluster]:
    """Three that may be registered; the last one takes no projects any more."""
    settings.PLATFORM = "kubernetes"
    status = Cluster.Status
    states = {"main": status.REACHABLE, "spare": status.UNREACHABLE, "old": status.DISABLED}
    return {
        name: Cluster.objects.create(name=name, server=f"https://{name}.example:6443", status=state)
        for name, state in states.items()
    }


def test_the_chosen_cluster_gets_the_project(
    approver: User, client_of: ClientOf, waiting: Make, clusters: dict[str, Cluster]
) -> None:
    registration, client = waiting(), client_of(approver)
    page = client.get(f"/approvals/{registration.pk}/").text
    assert 'name="cluster"' in page
    assert "The one with the fewest projects" in page
    assert ">main<" in page
    assert ">old<" not in page
    page = client.post(
        f"/approvals/{registration.pk}/approve/", grant(registration, cluster=clusters["spare"].pk), follow=True
    ).text
    assert Project.objects.get().placement.cluster == clusters["spare"]
    assert "spare" in page


def test_left_to_the_portal_it_is_chosen_while_setting_up(
    approver: User, client_of: ClientOf, waiting: Make, clusters: dict[str, Cluster]
) -> None:
    registration = waiting()
    client_of(approver).post(f"/approvals/{registration.pk}/approve/", grant(registration, cluster=""))
    assert not hasattr(Project.objects.get(), "placement")


def test_a_disabled_cluster_cannot_be_chosen(
    approver: User, client_of: ClientOf, waiting: Make, clusters: dict[str, Cluster]
) -> None:
    registration = waiting()
    page = client_of(approver).post(
        f"/approvals/{registration.pk}/approve/", grant(registration, cluster=clusters["old"].pk)
    )
    assert "Select a valid choice" in page.text
    assert not Project.objects.exists()


def test_on_one_machine_there_is_nothing_to_choose(approver: User, client_of: ClientOf, waiting: Make) -> None:
    assert 'name="cluster"' not in client_of(approver).get(f"/approvals/{waiting().pk}/").text
