"""Ending an administrator's suspension by way of another state."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.projects import lifecycle
from apps.projects.models import Project
from tests.conftest import ClientOf

Status = Project.Status
SETTINGS = "/projects/cardiac-mr/settings/"
pytestmark = pytest.mark.attacks


@pytest.fixture
def owner(alice: User, client_of: ClientOf) -> Client:
    return client_of(alice)


@pytest.mark.parametrize("is_detour", [False, True])
def test_no_owner_makes_what_is_suspended_readable(
    project: Project, admin: User, owner: Client, is_detour: bool
) -> None:
    lifecycle.suspend(project, by=admin, why="Images came in without an approval.")
    if is_detour:
        owner.post(f"{SETTINGS}delete/", {"typed": "cardiac-mr"})
        owner.post(f"{SETTINGS}undo/")
    assert "Archive the project" not in owner.get(SETTINGS).text
    assert owner.post(f"{SETTINGS}archive/", {"why": "Done"}).status_code == 403
    assert owner.post("/api/v1/projects/cardiac-mr/archive/", {"why": "Done"}, "application/json").status_code == 403
    project.refresh_from_db()
    assert project.status == Status.SUSPENDED


def test_an_owner_archives_what_time_has_suspended(project: Project, owner: Client) -> None:
    lifecycle.suspend(project, by=None, why="Its last day is over.")
    owner.post(f"{SETTINGS}archive/", {"why": "Done"})
    project.refresh_from_db()
    assert project.status == Status.ARCHIVED
