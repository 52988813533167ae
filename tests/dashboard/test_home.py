"""Home: my projects, what waits for me and my runs, at a price that does not grow with them."""

from collections.abc import Callable

from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Series
from apps.jobs.models import Run
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.queries import cost_of


def test_strangers_are_welcomed(db: None) -> None:
    assert "Register a project" in Client().get("/").text


def test_each_sees_the_own_projects_and_runs_alone(
    project: Project,
    alice: User,
    bob: User,
    charlie: User,
    client_of: ClientOf,
    add_series: Callable[[Project], Series],
    add_run: Callable[[Project, User], Run],
) -> None:
    add_series(project)
    run = add_run(project, alice)
    shown = {person.name: client_of(person).get("/") for person in (alice, bob, charlie)}
    assert [[found.namespace for found in page.context["projects"]] for page in shown.values()] == [
        [project.namespace],
        [project.namespace],
        [],
    ]
    assert "1 study, 2.0 MB" in shown["Bob"].text
    assert [[row.run for row in page.context["rows"]] for page in shown.values()] == [[run], [], []]


def test_an_approver_sees_what_waits(
    approver: User, charlie: User, client_of: ClientOf, ask: Callable[[User, str], Registration]
) -> None:
    ask(charlie, "atlas")
    ask(charlie, "heart")
    assert "2 requests for approval" in client_of(approver).get("/").text
    assert "for approval</a>" not in client_of(charlie).get("/").text


def test_ten_more_of_everything_cost_no_more_queries(
    admin: User,
    charlie: User,
    client_of: ClientOf,
    make_project: Callable[[str], Project],
    add_series: Callable[[Project], Series],
    add_run: Callable[[Project, User], Run],
    ask: Callable[[User, str], Registration],
) -> None:
    def add(number: int) -> None:
        project = make_project(f"p-{number}")
        ensure_member(project, admin, role=Membership.Role.OWNER)
        add_series(project)
        add_run(project, admin)
        ask(admin, f"mine-{number}")
        ask(charlie, f"theirs-{number}")

    client = client_of(admin)
    add(0)
    before = cost_of(client, "/")
    for number in range(1, 11):
        add(number)
    assert cost_of(client, "/") == before
