"""Search finds what a person may see, and nothing else, not even by how many queries it takes."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Series
from apps.dashboard.search import HITS_A_GROUP
from apps.jobs.models import Run
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.registrations.models import Registration
from tests.clusters.rows import make_cluster
from tests.conftest import ClientOf
from tests.queries import cost_of

pytestmark = pytest.mark.django_db


def hits(client: Client, words: str) -> dict[str, list[str]]:
    """Titles of what is found, by group."""
    groups = client.get("/search/", {"q": words}).context["groups"]
    return {group.title: [hit.title for hit in group.hits] for group in groups}


@pytest.fixture
def series(project: Project, add_series: Callable[[Project], Series]) -> Series:
    series = add_series(project)
    series.series_description = "T2 short axis"
    series.save()
    series.study.study_description = "Heart, follow-up"
    series.study.save()
    return series


def test_a_member_finds_the_project_its_images_and_runs(
    bob: User, project: Project, series: Series, add_run: Callable[[Project, User], Run], client_of: ClientOf
) -> None:
    run = add_run(project, bob)
    client = client_of(bob)
    assert hits(client, "CARDIAC mr")["Projects"] == ["Cardiac mr"]
    assert hits(client, "follow heart") == {"Studies": ["Heart, follow-up"]}
    assert hits(client, "short axis") == {"Series": ["T2 short axis"]}
    assert hits(client, "measure")["Runs"] == [f"Run {run.pk}, {run.algorithm.title}"]
    assert hits(client, "algor")["Pages"] == ["Algorithms"]


def test_every_hit_leads_to_a_page(
    admin: User,
    project: Project,
    series: Series,
    add_run: Callable[[Project, User], Run],
    ask: Callable[[User, str], Registration],
    charlie: User,
    client_of: ClientOf,
) -> None:
    add_run(project, admin)
    ask(charlie, "heart")
    make_cluster("main")
    client, seen, leads = client_of(admin), set(), set()
    for words in (
        "cardiac",
        "heart",
        "axis",
        "measure",
        "alice",
        "main",
        "home",
        "audit",
        "style",
        "account",
        "outbox",
    ):
        for group in client.get("/search/", {"q": words}).context["groups"]:
            seen.add(group.title)
            for hit in group.hits:
                leads.add(hit.url)
    kinds = {"Projects", "Studies", "Series", "Runs", "Algorithms", "Clusters", "Requests", "People", "Pages"}
    assert seen == kinds
    leads.remove(f"/projects/cardiac-mr/data/series/{series.series_instance_uid}/")  # the index knows no file of it
    assert {client.get(address).status_code for address in leads} == {200}


def test_an_outsider_finds_nothing_of_it(
    charlie: User,
    bob: User,
    project: Project,
    series: Series,
    add_run: Callable[[Project, User], Run],
    client_of: ClientOf,
) -> None:
    add_run(project, bob)
    client = client_of(charlie)
    for words in ("cardiac", "heart", "axis", "alice", "outbox", "audit", "approvals"):
        assert hits(client, words) == {}, words
    assert "Runs" not in hits(client, "measure")


def test_people_and_requests_are_found_by_those_who_may_see_them(
    admin: User,
    support: User,
    approver: User,
    alice: User,
    charlie: User,
    ask: Callable[[User, str], Registration],
    client_of: ClientOf,
) -> None:
    ask(charlie, "atlas")
    for person in (admin, support):
        assert hits(client_of(person), "charlie")["People"] == ["Charlie"]
        assert len(hits(client_of(person), "atlas")["Requests"]) == 1
    assert "People" not in hits(client_of(approver), "charlie")
    assert len(hits(client_of(approver), "atlas")["Requests"]) == 1
    assert hits(client_of(alice), "charlie") == {}


def test_who_shares_a_project_is_found_by_name_and_address(
    bob: User, charlie: User, project: Project, client_of: ClientOf
) -> None:
    (group,) = client_of(bob).get("/search/", {"q": "alice"}).context["groups"]
    (hit,) = group.hits
    assert (group.title, hit.title, hit.note) == ("Members", "Alice", "Owner of Cardiac mr")
    assert "Alice" in client_of(bob).get(hit.url).text
    assert hits(client_of(bob), "vera@hospital.example") == {"Members": ["Vera"]}
    assert hits(client_of(charlie), "alice") == {}
    Project.objects.update(status=Project.Status.DELETION_SCHEDULED)
    assert hits(client_of(bob), "alice") == {}


def test_everybody_finds_their_own_requests(
    bob: User, charlie: User, ask: Callable[[User, str], Registration], client_of: ClientOf
) -> None:
    registration, client = ask(charlie, "atlas"), client_of(charlie)
    (group,) = client.get("/search/", {"q": "atlas"}).context["groups"]
    (hit,) = group.hits
    assert (group.title, hit.title) == ("Your requests", registration.title)
    assert client.get(hit.url).status_code == 200
    assert hits(client_of(bob), "atlas") == {}


def test_patients_are_not_searched(alice: User, series: Series, client_of: ClientOf) -> None:
    assert series.study.patient.patient_name == "Doe^Jane"
    assert hits(client_of(alice), "Doe") == {}


def test_more_than_a_few_lead_to_the_whole_list(admin: User, client_of: ClientOf) -> None:
    for number in range(HITS_A_GROUP + 1):
        User.objects.create_user(f"many{number}@uni.example", name=f"Many {number}")
    page = client_of(admin).get("/search/?q=many")
    (group,) = page.context["groups"]
    assert len(group.hits) == HITS_A_GROUP
    assert 'href="/people/?q=many"' in page.text


@pytest.mark.parametrize("words", ["", " ", "a", "\0", "%", "_" * 300])
def test_too_little_or_junk_finds_nothing_and_says_so(admin: User, client_of: ClientOf, words: str) -> None:
    response = client_of(admin).get("/search/", {"q": words})
    assert response.status_code == 200
    assert response.context["groups"] == []
    assert "empty-state" in response.text


def test_the_dialog_asks_for_the_hits_alone(alice: User, project: Project, client_of: ClientOf) -> None:
    client = client_of(alice)
    fragment = client.get("/search/?q=cardiac", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert 'href="/projects/cardiac-mr/"' in fragment
    assert 'id="search"' in client.get("/").text
    assert 'href="/search/"' in client.get("/").text


def test_ten_more_of_everything_cost_no_more_queries(
    alice: User,
    project: Project,
    make_project: Callable[[str], Project],
    add_series: Callable[[Project], Series],
    add_run: Callable[[Project, User], Run],
    ask: Callable[[User, str], Registration],
    client_of: ClientOf,
) -> None:
    def add(number: int) -> None:
        other = make_project(f"cardiac-{number}")
        ensure_member(other, alice, role=Membership.Role.OWNER)
        series = add_series(other)
        Series.objects.filter(pk=series.pk).update(series_description="cardiac")
        add_run(other, alice)
        ask(alice, f"atlas-{number}")

    client = client_of(alice)
    asked = ("/search/?q=cardiac", "/search/?q=alice", "/search/?q=atlas")
    add(0)
    before = [cost_of(client, address) for address in asked]
    for number in range(1, 11):
        add(number)
    assert [cost_of(client, address) for address in asked] == before
