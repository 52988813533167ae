"""Runs by programs: `/api/v1/`."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Series
from apps.jobs.models import Algorithm, Run
from apps.projects.models import Project
from tests.jobs.driving import drive
from tests.programs import Program

RUNS = "/api/v1/projects/cardiac-mr/runs/"


@pytest.fixture
def program(bob: User, project: Project) -> Program:
    return Program(bob)


@pytest.fixture
def wish(segmentation: Algorithm, ct: Series) -> dict[str, object]:
    return {"algorithm": "threshold-segmentation", "series": [ct.series_instance_uid]}


def test_the_projects_of_a_person(program: Program):
    found = program.get("/api/v1/projects/").json()["results"]
    assert [(project["namespace"], project["state"]) for project in found] == [("cardiac-mr", "ready")]


def test_the_algorithms(program: Program, bundled: None):
    found = program.get("/api/v1/algorithms/").json()["results"]
    assert [it["name"] for it in found] == ["measurements", "threshold-segmentation"]
    assert found[1]["arguments"][0]["default"] == 300


def test_a_run_from_launch_to_its_outputs(program: Program, wish: dict, ct: Series):
    launched = program.post(RUNS, wish)
    assert launched.status_code == 201
    assert launched.json()["state"] == "queued"
    assert (launched.json()["reason"], launched.json()["outputs"]) == (None, [])
    address = f"{RUNS}{launched.json()['id']}/"
    run = drive(Run.objects.get())
    shown = program.get(address).json()
    assert (shown["state"], shown["reason"]) == ("succeeded", None)
    assert [output["sop_instance_uid"] for output in shown["outputs"]] == [run.outputs.get().sop_instance_uid]
    assert shown["outputs"][0]["study_instance_uid"] == ct.study.study_instance_uid
    assert len(shown["inputs"]) == 4
    assert [step["state"] for step in shown["steps"]][-1] == "succeeded"
    assert shown["finished_at"]
    assert shown["digest"].startswith("sha256:")
    listed = program.get(RUNS).json()
    assert (listed["count"], listed["results"][0]["id"]) == (1, shown["id"])
    assert program.get(RUNS, state="failed").json()["count"] == 0


def test_a_failed_run_says_why(program: Program, wish: dict):
    program.post(RUNS, wish)
    Run.objects.update(status="failed", reason_code="TIMEOUT", reason="It was stopped.")
    shown = program.get(f"{RUNS}{Run.objects.get().pk}/").json()
    assert shown["reason"] == {"code": "TIMEOUT", "sentence": "It was stopped."}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"series": []}, "exactly one series; 0 are given"),
        ({"series": ["1.2.3", "1.2.4"]}, "exactly one series; 2 are given"),
        ({"series": ["1.2.3"]}, "no series with that SeriesInstanceUID"),
        ({"series": "1.2.3"}, "series: "),
        ({"series": [{}]}, "series: "),
        ({"series": None}, "series: "),
        ({"algorithm": "mining"}, "no algorithm of that name"),
        ({"algorithm": None}, "algorithm: "),
        ({"algorithm": "\x00"}, "algorithm: "),
        ({"arguments": {"threshold": "high"}}, "must be a number"),
        ({"arguments": {"threshold": 1e9}}, "must be from -1024 to 65535"),
        ({"arguments": {"output": "/etc"}}, "takes no argument called output"),
        ({"arguments": []}, "arguments: "),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_said_in_a_sentence(program: Program, wish: dict, change: dict, sentence: str):
    answer = program.post(RUNS, {**wish, **change})
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "null"])
def test_a_body_of_another_shape_is_refused(program: Program, wish: dict, body: str):
    answer = program.post(RUNS, body)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


def test_who_may_what(wish: dict, bob: User, vera: User, charlie: User, project: Project):
    run = Program(bob).post(RUNS, wish).json()["id"]
    addresses = [RUNS, f"{RUNS}{run}/"]
    for person, seen, changed in ((vera, 200, 403), (charlie, 404, 404)):
        program = Program(person)
        assert [program.get(address).status_code for address in addresses] == [seen, seen]
        assert program.post(RUNS, wish).status_code == changed
        assert program.post(f"{RUNS}{run}/cancel/").status_code == changed
    assert Run.objects.count() == 1


def test_without_a_token_there_is_nothing(client, wish: dict, project: Project):
    for answer in (
        client.get(RUNS),
        client.post(RUNS, wish, content_type="application/json"),
        client.get("/api/v1/projects/"),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["detail"]


def test_a_session_needs_its_csrf_token(bob: User, wish: dict, project: Project):
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.get(RUNS).status_code == 200
    assert client.post(RUNS, wish, content_type="application/json").status_code == 403
    assert not Run.objects.exists()


def test_a_one_time_password_opens_no_api(client, bob: User, project: Project):
    User.objects.filter(pk=bob.pk).update(has_one_time_password=True)
    client.force_login(bob)
    assert client.get(RUNS).status_code == 401


def test_cancelling(program: Program, wish: dict):
    run = program.post(RUNS, wish).json()["id"]
    address = f"{RUNS}{run}/cancel/"
    assert program.get(address).status_code == 405
    assert program.post(address).json()["state"] == "cancelling"
    assert program.post(address).status_code == 200
    Run.objects.update(status="succeeded")
    answer = program.post(address)
    assert (answer.status_code, answer.json()["detail"]) == (409, "The run is over already.")


def test_other_methods_and_addresses_are_answered_in_json(program: Program, project: Project):
    assert program.delete(RUNS).json()["detail"]
    assert program.get(f"{RUNS}999/").status_code == 404
    assert program.get("/api/v1/nothing/").json()["request_id"]


def test_the_openapi_document_names_the_run(client, db: None):
    document = client.get("/api/v1/schema/").json()
    assert {"get", "post"} <= set(document["paths"]["/api/v1/projects/{namespace}/runs/"])
    assert document["components"]["schemas"]["Run"]["properties"]["outputs"]["type"] == "array"
