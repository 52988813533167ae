"""Everybody sees clusters, nodes and GPUs; addresses, projects and checks only administrators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from apps.accounts.models import User
from apps.clusters.models import Cluster, Snapshot
from apps.clusters.services import place
from apps.projects.models import Project
from tests.clusters.rows import make_cluster, seen_cluster
from tests.conftest import ClientOf

pytestmark = pytest.mark.django_db
Status = Cluster.Status


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_members_see_what_is_free_and_no_address(charlie: User, client_of: ClientOf) -> None:
    seen_cluster("main", server="https://secret-address.example:6443")
    pages = [text(client_of(charlie), address) for address in ("/clusters/", "/clusters/main/", "/")]
    listed, one, home = pages
    assert "3 <small>of 4 (2 on main-2)</small>" in listed
    assert "2 of 2 ready" in listed
    assert "2 of 2 ready" in home
    assert "1 of 2" in one
    assert "main-1" in one
    for page in pages:
        assert "secret-address" not in page
        assert "made-up-token" not in page
        assert "Check now" not in page
        assert "/clusters/new/" not in page


def test_administrators_see_how_it_is_reached_and_who_lives_there(
    admin: User, client_of: ClientOf, project: Project
) -> None:
    cluster = seen_cluster("main", server="https://address.example:6443")
    place(project, cluster=cluster)
    page = text(client_of(admin), "/clusters/main/")
    assert "https://address.example:6443" in page
    assert "Cardiac mr" in page
    assert "1 running" in page
    assert "kubectl apply -f maia-permissions.yaml" in page


def test_an_unreachable_one_shows_what_it_was_like(charlie: User, client_of: ClientOf) -> None:
    cluster = seen_cluster("main")
    since = timezone.now() - timedelta(minutes=5)
    seen_at = since - timedelta(minutes=1)
    Cluster.objects.update(status=Status.UNREACHABLE, status_changed_at=since, trouble="It did not answer.")
    Snapshot.objects.update(taken_at=seen_at)
    page = text(client_of(charlie), "/clusters/")
    assert "Unreachable since" in page
    assert "It did not answer. Last seen" in page
    assert '<td class="stale" data-label="Nodes">2 of 2 ready' in page
    # What may be gone is not offered as free.
    assert "GPUs free now" not in page
    assert "Unreachable since" in text(client_of(charlie), f"/clusters/{cluster.name}/")


def test_one_that_nobody_looks_at_any_more_is_not_shown_as_it_was(charlie: User, client_of: ClientOf) -> None:
    seen_cluster("main")
    Snapshot.objects.update(taken_at=timezone.now() - timedelta(minutes=4))
    assert "GPUs free now" in text(client_of(charlie), "/clusters/")
    Snapshot.objects.update(taken_at=timezone.now() - timedelta(days=3))
    day = date_format(timezone.localtime(timezone.now() - timedelta(days=3)), "j F")
    for address in ("/clusters/", "/clusters/main/", "/"):
        page = text(client_of(charlie), address)
        assert f"Not looked at since {day}, " in page
        assert "GPUs free now" not in page
        assert "Reachable" not in page
        assert 'class="stale"' in page


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.NEVER_SEEN, "Never seen"),
        (Status.UNREACHABLE, "It was never seen."),
        (Status.REFUSED, "Credentials refused"),
        (Status.DISABLED, "Disabled"),
    ],
)
def test_every_state_has_its_word_before_anything_was_seen(
    charlie: User, admin: User, client_of: ClientOf, status: Status, word: str
) -> None:
    make_cluster("main", status)
    for person in (charlie, admin):
        for address in ("/clusters/", "/clusters/main/", "/"):
            assert word in text(client_of(person), address)


def test_without_clusters_the_page_says_what_to_do(charlie: User, admin: User, client_of: ClientOf) -> None:
    assert "An administrator can connect one." in text(client_of(charlie), "/clusters/")
    assert 'href="/clusters/new/"' in text(client_of(admin), "/clusters/")
    assert "works on one machine" in text(client_of(charlie), "/")


@pytest.mark.parametrize("address", ["/clusters/", "/"])
def test_ten_more_cost_no_more_queries(admin: User, client_of: ClientOf, address: str) -> None:
    client = client_of(admin)
    seen_cluster("first")
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as before:
        client.get(address)
    for number in range(10):
        seen_cluster(f"more-{number}")
    with CaptureQueriesContext(connection) as after:
        client.get(address)
    assert len(after) == len(before)


def test_ten_more_projects_cost_no_more_queries(
    admin: User, client_of: ClientOf, make_project: Callable[[str], Project]
) -> None:
    client, cluster = client_of(admin), seen_cluster("main")
    place(make_project("first"), cluster=cluster)
    with CaptureQueriesContext(connection) as before:
        client.get("/clusters/main/")
    for number in range(10):
        place(make_project(f"more-{number}"), cluster=cluster)
    with CaptureQueriesContext(connection) as after:
        client.get("/clusters/main/")
    assert len(after) == len(before)
