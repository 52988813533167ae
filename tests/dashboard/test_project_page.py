"""The page of a project: who is in it, its images and runs, and honestly what there is not."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.archives.models import Series
from apps.jobs.models import Run
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.provisioning.services import Requester, open_for
from tests.conftest import ClientOf, make_person
from tests.queries import cost_of


def address(project: Project) -> str:
    return reverse("dashboard:project", args=[project.namespace])


def test_it_shows_members_images_and_runs(
    project: Project,
    alice: User,
    vera: User,
    client_of: ClientOf,
    add_series: Callable[[Project], Series],
    add_run: Callable[[Project, User], Run],
) -> None:
    series, run = add_series(project), add_run(project, alice)
    page = client_of(vera).get(address(project)).text
    assert all(person in page for person in ("Alice", "Bob", "Vera"))
    assert reverse("datasets:series", args=[project.namespace, series.series_instance_uid]) in page
    assert reverse("jobs:run", args=[project.namespace, run.pk]) in page
    assert "You are viewer" in page
    assert "no Kubernetes cluster" not in page
    assert "this portal has none connected" in page


def test_outsiders_find_nothing(project: Project, charlie: User, client_of: ClientOf) -> None:
    assert client_of(charlie).get(address(project)).status_code == 404
    assert client_of(charlie).post(address(project)).status_code == 405


def test_a_project_that_is_being_set_up_shows_its_steps(
    project: Project, alice: User, admin: User, client_of: ClientOf
) -> None:
    Project.objects.filter(pk=project.pk).update(status=Project.Status.PROVISIONING)
    open_for(project, Requester(alice.email, alice.name, ""))
    page = client_of(admin).get(address(project)).text
    assert "Archive for the images" in page
    assert "administrator, looking" in page


def test_ten_more_of_everything_cost_no_more_queries(
    project: Project,
    alice: User,
    client_of: ClientOf,
    make_project: Callable[[str], Project],
    add_series: Callable[[Project], Series],
    add_run: Callable[[Project, User], Run],
) -> None:
    def add(number: int) -> None:
        ensure_member(project, make_person(f"colleague-{number}"), role=Membership.Role.MEMBER)
        ensure_member(make_project(f"p-{number}"), alice, role=Membership.Role.OWNER)
        add_series(project)
        add_run(project, alice)

    client = client_of(alice)
    add(0)
    before = cost_of(client, address(project))
    for number in range(1, 11):
        add(number)
    assert cost_of(client, address(project)) == before


def test_a_fragment_does_not_pay_for_the_navigation(
    project: Project, admin: User, client_of: ClientOf, add_run: Callable[[Project, User], Run]
) -> None:
    """A page asks for its fragments every two seconds; what waits for approval is counted for whole pages alone."""
    client = client_of(admin)
    run = add_run(project, admin)
    assert "registrations_registration" not in _sql(client, reverse("jobs:log", args=[project.namespace, run.pk]))
    assert "registrations_registration" in _sql(client, address(project))


def _sql(client: Client, path: str) -> str:
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return " ".join(query["sql"] for query in queries)
