"""What a list of the API cannot read of a filter it refuses, so that nobody takes everything for what was asked for."""

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.models import User
from apps.projects.models import Project
from tests.conftest import ClientOf

pytestmark = pytest.mark.attacks
PAGING = {"limit", "offset", "cursor"}
UNREADABLE = "x" * 1000  # no choice, no number, no day, and longer than words to look for


@pytest.fixture
def lists(project: Project) -> dict[str, dict[str, Any]]:
    """What the OpenAPI document says of each list, by its address."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    operations = {path: ways["get"] for path, ways in paths.items() if "get" in ways}
    return {
        path.format(namespace=project.namespace): operation
        for path, operation in operations.items()
        if "limit" in parameters_of(operation)
    }


@pytest.fixture
def client(admin: User, client_of: ClientOf) -> Client:
    return client_of(admin)


def parameters_of(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}


def test_a_filter_that_there_is_not_is_refused_with_those_that_there_are(
    client: Client, lists: dict[str, dict[str, Any]]
) -> None:
    assert len(lists) > 10
    for path, operation in lists.items():
        answer = client.get(path, {"no_such": "1"})
        assert answer.status_code == 422, path
        documented = ", ".join(sorted(parameters_of(operation)))
        assert answer.json()["detail"] == f"'no_such': There is no such filter. There are {documented}."
        assert "422" in operation["responses"]


def test_a_value_that_cannot_be_read_is_refused_with_its_filter(
    client: Client, lists: dict[str, dict[str, Any]]
) -> None:
    filters = [(path, name) for path, operation in lists.items() for name in parameters_of(operation) - PAGING]
    assert len(filters) > 15
    for path, name in filters:
        answer = client.get(path, {name: UNREADABLE})
        assert answer.status_code == 422, (path, name)
        assert answer.json()["detail"].startswith(f"{name}: "), (path, name)
        assert client.get(path, {name: ""}).status_code == 200, (path, name)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/api/v1/approvals/", {"status": "aproved"}),
        ("/api/v1/approvals/", {"older": "5"}),
        ("/api/v1/projects/cardiac-mr/runs/", {"state": "running"}),
        ("/api/v1/projects/cardiac-mr/members/", {"role": "emperor"}),
        ("/api/v1/audit/", {"since": "2026-02-30"}),
        ("/api/v1/audit/", {"aktion": "run.launched"}),
    ],
)
def test_what_looks_like_a_filter_and_is_none(
    client: Client, project: Project, path: str, asked: dict[str, str]
) -> None:
    answer = client.get(path, asked)
    assert answer.status_code == 422
    assert next(iter(asked)) in answer.json()["detail"]


def test_who_may_not_see_the_list_learns_nothing_of_its_filters(
    charlie: User, client_of: ClientOf, project: Project
) -> None:
    assert client_of(charlie).get("/api/v1/projects/cardiac-mr/members/", {"role": "emperor"}).status_code == 404
    assert client_of(charlie).get("/api/v1/audit/", {"no_such": "1"}).status_code == 404
