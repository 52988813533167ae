"""A project's life by programs: `/api/v1/`."""

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.projects import granting, lifecycle
from apps.projects.models import ExtensionRequest, Project
from tests.programs import Program

PROJECT = "/api/v1/projects/cardiac-mr/"
Status = Project.Status


def test_one_project_with_what_it_was_granted(project: Project, vera: User) -> None:
    answer = Program(vera).get(PROJECT)
    found = answer.json()
    assert answer.status_code == 200
    assert (found["namespace"], found["state"], found["takes_work"]) == ("cardiac-mr", "ready", True)
    assert found["allocation"]["granted_gpus"] == 1


def test_the_turns_of_a_life(project: Project, alice: User, admin: User) -> None:
    owner, administrator = Program(alice), Program(admin)
    assert owner.post(f"{PROJECT}suspend/", {"why": "Pause"}).status_code == 403
    assert administrator.post(f"{PROJECT}suspend/", {}).status_code == 422
    assert administrator.post(f"{PROJECT}suspend/", {"why": "Pause", "status": "deleted"}).status_code == 422
    answer = administrator.post(f"{PROJECT}suspend/", {"why": "Pause"})
    assert (answer.status_code, answer.json()["state"], answer.json()["takes_work"]) == (200, "suspended", False)
    assert administrator.post(f"{PROJECT}suspend/", {"why": "Again"}).status_code == 409
    assert administrator.post(f"{PROJECT}resume/", {}).json()["state"] == "ready"
    assert owner.post(f"{PROJECT}archive/", {"why": "Done"}).json()["state"] == "archived"
    assert administrator.post(f"{PROJECT}restore/", {}).json()["state"] == "ready"
    assert owner.post(f"{PROJECT}delete/", {"typed": "cardiac"}).status_code == 422
    answer = owner.post(f"{PROJECT}delete/", {"typed": "cardiac-mr"})
    assert (answer.status_code, answer.json()["state"]) == (200, "deletion_scheduled")
    assert answer.json()["delete_at"]
    assert owner.post(f"{PROJECT}undo/", {}).json()["state"] == "ready"
    answer = owner.get(f"{PROJECT}changes/")
    actions = [change["action"] for change in answer.json()["results"]]
    assert actions[::-1] == ["suspend", "resume", "archive", "restore", "schedule_deletion", "undo_deletion"]


def test_what_is_to_be_deleted_is_there_for_its_owners_alone(project: Project, alice: User, bob: User) -> None:
    lifecycle.schedule_deletion(project, typed="cardiac-mr", by=alice)
    assert Program(alice).get(PROJECT).status_code == 200
    assert Program(bob).get(PROJECT).status_code == 404
    assert Program(bob).get("/api/v1/projects/").json()["results"] == []


def test_more_time_from_the_question_to_the_answer(project: Project, alice: User, approver: User) -> None:
    later = project.ends_on + timedelta(days=30)
    owner, decider = Program(alice), Program(approver)
    wish = {"ends_on": str(later), "why": "More scanners"}
    assert owner.post(f"{PROJECT}extensions/", {**wish, "ends_on": str(project.ends_on)}).status_code == 422
    answer = owner.post(f"{PROJECT}extensions/", wish)
    asked = answer.json()
    assert (answer.status_code, asked["state"], asked["project"]) == (201, "waiting", "cardiac-mr")
    assert owner.post(f"{PROJECT}extensions/", wish).status_code == 409
    assert owner.get("/api/v1/extensions/").status_code == 404
    assert [one["id"] for one in decider.get("/api/v1/extensions/").json()["results"]] == [asked["id"]]
    withdraw = f"{PROJECT}extensions/{asked['id']}/withdraw/"
    assert (decider.post(withdraw).status_code, owner.post(withdraw).json()["state"]) == (404, "withdrawn")
    assert owner.post(withdraw).status_code == 409
    asked = owner.post(f"{PROJECT}extensions/", wish).json()
    address = f"/api/v1/extensions/{asked['id']}/"
    assert decider.post(f"{address}refuse/", {}).status_code == 422
    answer = decider.post(f"{address}grant/", {"ends_on": str(later)})
    assert (answer.status_code, answer.json()["state"], answer.json()["decided_by"]) == (200, "granted", "Anna")
    assert decider.post(f"{address}refuse/", {"said": "Too late"}).status_code == 409
    project.refresh_from_db()
    assert project.ends_on == later


def test_nobody_decides_on_their_own(project: Project, admin: User) -> None:
    later = project.ends_on + timedelta(days=30)
    asked = granting.ask_extension(project, ends_on=later, why="More", by=admin)
    answer = Program(admin).post(f"/api/v1/extensions/{asked.pk}/grant/", {"ends_on": str(later)})
    assert answer.status_code == 409
    assert "own request" in answer.json()["detail"]
    assert ExtensionRequest.objects.get().status == ExtensionRequest.Status.WAITING


def test_resources_and_description(project: Project, alice: User, admin: User) -> None:
    wish = {"cpus": 16, "memory_gib": 64, "gpus": 2, "storage_gib": 500}
    assert Program(alice).put(f"{PROJECT}resources/", wish).status_code == 403
    assert Program(admin).put(f"{PROJECT}resources/", {**wish, "cpus": 10**9}).status_code == 422
    answer = Program(admin).put(f"{PROJECT}resources/", wish)
    assert (answer.status_code, answer.json()["allocation"]["granted_cpus"]) == (200, 16)
    assert Program(alice).patch(PROJECT, {"description": "Hearts"}).json()["description"] == "Hearts"
    assert Program(alice).patch(PROJECT, {"status": "deleted", "description": ""}).status_code == 422


@pytest.mark.parametrize("content", [[1], "text", 7])
def test_what_is_no_object_is_refused(project: Project, admin: User, content: object) -> None:
    assert Program(admin).post(f"{PROJECT}suspend/", content).status_code in (400, 422)
    project.refresh_from_db()
    assert project.status == Status.READY
