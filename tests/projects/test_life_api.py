"""A project's life by programs: `/api/v1/`."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.projects import granting, lifecycle
from apps.projects.models import ExtensionRequest, Project

PROJECT = "/api/v1/projects/cardiac-mr/"
Status = Project.Status


class Program:
    """A client that sends an API token."""

    def __init__(self, user: User) -> None:
        _, secret = make_token(user, name="test", days=1)
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, address: str) -> tuple[int, Any]:
        answer = self.client.get(address)
        return answer.status_code, answer.json()

    def send(self, address: str, content: object = None, method: str = "post") -> tuple[int, Any]:
        send = getattr(self.client, method)
        answer = send(address, content, content_type="application/json")
        return answer.status_code, answer.json()


def test_one_project_with_what_it_was_granted(project: Project, vera: User) -> None:
    status, found = Program(vera).get(PROJECT)
    assert status == 200
    assert (found["namespace"], found["state"], found["takes_work"]) == ("cardiac-mr", "ready", True)
    assert found["allocation"]["granted_gpus"] == 1


def test_the_turns_of_a_life(project: Project, alice: User, admin: User) -> None:
    owner, administrator = Program(alice), Program(admin)
    assert owner.send(f"{PROJECT}suspend/", {"why": "Pause"})[0] == 403
    assert administrator.send(f"{PROJECT}suspend/", {})[0] == 422
    assert administrator.send(f"{PROJECT}suspend/", {"why": "Pause", "status": "deleted"})[0] == 422
    status, found = administrator.send(f"{PROJECT}suspend/", {"why": "Pause"})
    assert (status, found["state"], found["takes_work"]) == (200, "suspended", False)
    assert administrator.send(f"{PROJECT}suspend/", {"why": "Again"})[0] == 409
    assert administrator.send(f"{PROJECT}resume/", {})[1]["state"] == "ready"
    assert owner.send(f"{PROJECT}archive/", {"why": "Done"})[1]["state"] == "archived"
    assert administrator.send(f"{PROJECT}restore/", {})[1]["state"] == "ready"
    assert owner.send(f"{PROJECT}delete/", {"typed": "cardiac"})[0] == 422
    status, found = owner.send(f"{PROJECT}delete/", {"typed": "cardiac-mr"})
    assert (status, found["state"]) == (200, "deletion_scheduled")
    assert found["delete_at"]
    assert owner.send(f"{PROJECT}undo/", {})[1]["state"] == "ready"
    status, changes = owner.get(f"{PROJECT}changes/")
    actions = [change["action"] for change in changes["results"]]
    assert actions[::-1] == ["suspend", "resume", "archive", "restore", "schedule_deletion", "undo_deletion"]


def test_what_is_to_be_deleted_is_there_for_its_owners_alone(project: Project, alice: User, bob: User) -> None:
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    assert Program(alice).get(PROJECT)[0] == 200
    assert Program(bob).get(PROJECT)[0] == 404
    assert Program(bob).get("/api/v1/projects/")[1]["results"] == []


def test_more_time_from_the_question_to_the_answer(project: Project, alice: User, approver: User) -> None:
    later = project.ends_on + timedelta(days=30)
    owner, decider = Program(alice), Program(approver)
    wish = {"ends_on": str(later), "why": "More scanners"}
    assert owner.send(f"{PROJECT}extensions/", {**wish, "ends_on": str(project.ends_on)})[0] == 422
    status, asked = owner.send(f"{PROJECT}extensions/", wish)
    assert (status, asked["state"], asked["project"]) == (201, "waiting", "cardiac-mr")
    assert owner.send(f"{PROJECT}extensions/", wish)[0] == 409
    assert owner.get("/api/v1/extensions/")[0] == 404
    assert [one["id"] for one in decider.get("/api/v1/extensions/")[1]["results"]] == [asked["id"]]
    address = f"/api/v1/extensions/{asked['id']}/"
    assert decider.send(f"{address}refuse/", {})[0] == 422
    status, granted = decider.send(f"{address}grant/", {"ends_on": str(later)})
    assert (status, granted["state"], granted["decided_by"]) == (200, "granted", "Anna")
    assert decider.send(f"{address}refuse/", {"said": "Too late"})[0] == 409
    project.refresh_from_db()
    assert project.ends_on == later


def test_nobody_decides_on_their_own(project: Project, admin: User) -> None:
    later = project.ends_on + timedelta(days=30)
    asked = granting.ask_extension(project, ends_on=later, why="More", by=admin)
    status, answer = Program(admin).send(f"/api/v1/extensions/{asked.pk}/grant/", {"ends_on": str(later)})
    assert (status, "own request" in answer["detail"]) == (409, True)
    assert ExtensionRequest.objects.get().status == ExtensionRequest.Status.WAITING


def test_resources_and_description(project: Project, alice: User, admin: User) -> None:
    wish = {"cpus": 16, "memory_gib": 64, "gpus": 2, "storage_gib": 500}
    assert Program(alice).send(f"{PROJECT}resources/", wish, "put")[0] == 403
    assert Program(admin).send(f"{PROJECT}resources/", {**wish, "cpus": 10**9}, "put")[0] == 422
    status, found = Program(admin).send(f"{PROJECT}resources/", wish, "put")
    assert (status, found["allocation"]["granted_cpus"]) == (200, 16)
    assert Program(alice).send(PROJECT, {"description": "Hearts"}, "patch")[1]["description"] == "Hearts"
    assert Program(alice).send(PROJECT, {"status": "deleted", "description": ""}, "patch")[0] == 422


@pytest.mark.parametrize("content", [[1], "text", 7])
def test_what_is_no_object_is_refused(project: Project, admin: User, content: object) -> None:
    assert Program(admin).send(f"{PROJECT}suspend/", content)[0] in (400, 422)
    project.refresh_from_db()
    assert project.status == Status.READY
