"""Requests and decisions by `/api/v1/`: the same rules as the pages, and sentences instead of forms."""

import pytest

from apps.accounts.models import ApiToken, User
from apps.core.models import Ledger
from apps.projects.models import Membership, Project
from apps.registrations import decisions
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.programs import Program
from tests.queries import cost_of
from tests.registrations.conftest import Make, answers, join_answers, without

pytestmark = pytest.mark.django_db
Status = Registration.Status
MINE, JOIN, ALL = "/api/v1/registrations/", "/api/v1/registrations/join/", "/api/v1/approvals/"


def asked(**changed: object) -> dict[str, object]:
    return {**without(answers(), "name", "email"), "terms": True, **changed}


def test_somebody_asks_for_a_project_and_follows_it(alice: User, approver: User) -> None:
    program = Program(alice)
    answer = program.post(MINE, asked(environment_file="numpy>=2\n"))
    made = answer.json()
    assert answer.status_code == 201
    assert (made["state"], made["title"], made["name"]) == ("email_verified", "Prostate bpMRI atlas", "Alice")
    assert made["who_acts"] == "An approver has to decide."
    assert made["environment"]["requirements"] == ["numpy>=2"]
    assert program.get(MINE).json()["results"][0]["id"] == made["id"]
    assert program.get(f"{MINE}{made['id']}/").json()["gpu_type"] == "A100 80 GB"
    row = Registration.objects.get()
    decisions.ask_for_changes(row, message="Why four GPUs?", by=approver)
    answer = program.post(f"{MINE}{row.pk}/answer/", {"answer": "Four models."})
    assert (answer.status_code, answer.json()["state"]) == (200, "email_verified")
    assert [line["word"] for line in answer.json()["history"]][-1] == "Answered"
    assert program.post(f"{MINE}{row.pk}/answer/", {"answer": "x"}).status_code == 409
    answer = program.post(f"{MINE}{row.pk}/withdraw/")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    assert program.post(f"{MINE}{row.pk}/withdraw/").status_code == 409


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"terms": False}, "terms: Nothing is sent unless you accept"),
        ({"gpus": 129}, "gpus: "),
        ({"gpus": "many"}, "gpus: "),
        ({"namespace": "prоstate"}, "CYRILLIC SMALL LETTER O"),
        ({"namespace": "kube-system"}, "kept for the platform"),
        ({"ends_on": "2001-01-01"}, "ends_on: The last day must be after the first."),
        ({"environment_file": "-r more.txt"}, "environment_file: Line 1 refers to another file"),
        ({"name": "Mallory"}, "'name': There is no such field here."),
        ({"status": "approved"}, "'status': There is no such field here."),
        ({"project_name": "One\nTwo"}, "project_name: Write this on one line, without characters that cannot be seen."),
        ({"purpose": None}, "purpose: "),
        ({"purpose": {"a": 1}}, "purpose: "),
    ],
)
def test_each_refusal_has_its_sentence(alice: User, changed: dict[str, object], says: str) -> None:
    answer = Program(alice).post(MINE, asked(**changed))
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert answer.json()["request_id"]
    assert not Registration.objects.exists()


@pytest.mark.parametrize("sent", [[], '"x"', 1, [1]])
def test_what_is_no_object_is_refused(alice: User, sent: object) -> None:
    for path in (MINE, JOIN):
        answer = Program(alice).post(path, sent)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("Invalid data.")  # of no field, so none is named


def test_what_was_sent_back_is_edited_and_what_is_left_out_stays(alice: User, approver: User) -> None:
    program = Program(alice)
    address = f"{MINE}{program.post(MINE, asked(environment_file='numpy>=2')).json()['id']}/"
    row = Registration.objects.get()
    assert program.patch(address, {"gpus": 1}).status_code == 409
    decisions.ask_for_changes(row, message="Fewer GPUs, please.", by=approver)
    for wrong, says in (
        ({"gpus": 129}, "gpus: "),
        ({"ends_on": "2001-01-01"}, "ends_on: The last day must be after the first."),
        ({"wanted_role": "viewer"}, "has no field 'wanted_role'"),
        ({"email": "x@y.example"}, "'email': There is no such field here."),
    ):
        answer = program.patch(address, wrong)
        assert (answer.status_code, says in answer.json()["detail"]) == (422, True), answer.json()
    answer = program.patch(address, {"gpus": 1, "purpose": "Less."})
    assert (answer.status_code, answer.json()["state"]) == (200, "email_verified")
    assert (answer.json()["gpus"], answer.json()["cpus"], answer.json()["purpose"]) == (1, 32, "Less.")
    assert answer.json()["environment"]["requirements"] == ["numpy>=2"]
    last = answer.json()["history"][-1]
    assert (last["word"], last["why"]) == ("Edited", "GPUs: 1, was 4; also: purpose")
    assert program.patch(address, {"gpus": 2}).status_code == 409


def test_a_request_made_without_an_account_is_edited_by_who_proved_its_address(
    alice: User, approver: User, waiting: Make
) -> None:
    row = waiting(email=alice.email)
    decisions.ask_for_changes(row, message="Fewer GPUs, please.", by=approver)
    answer = Program(alice).patch(f"{MINE}{row.pk}/", {"gpus": 1})
    assert (answer.status_code, answer.json()["gpus"], answer.json()["name"]) == (200, 1, "Ida Berg")


def test_a_request_to_join_is_edited(charlie: User, alice: User, joining: Make) -> None:
    row = joining(by=charlie)
    decisions.ask_for_changes(row, message="Only to look?", by=alice)
    program = Program(charlie)
    assert program.patch(f"{MINE}{row.pk}/", {"gpus": 1}).status_code == 422
    answer = program.patch(f"{MINE}{row.pk}/", {"wanted_role": "viewer"})
    assert (answer.status_code, answer.json()["wanted_role"]) == (200, "viewer")


def test_joining_tells_nothing_about_the_project(charlie: User, project: Project) -> None:
    program = Program(charlie)
    made = {}
    for namespace in (project.namespace, "no-such-one"):
        sent = {**without(join_answers(namespace=namespace), "name", "email"), "terms": True}
        answer = program.post(JOIN, sent)
        assert answer.status_code == 201
        made[namespace] = answer.json()
    different = {"id", "title", "namespace", "created_at", "version", "history"}
    first, second = (without(found, *different) for found in made.values())
    assert first == second
    assert Registration.objects.get(namespace=project.namespace).joins == project


def test_others_requests_are_not_found(charlie: User, alice: User, waiting: Make) -> None:
    row = waiting(by=alice)
    for path in (f"{MINE}{row.pk}/",):
        assert Program(charlie).get(path).status_code == 404
    assert Program(charlie).post(f"{MINE}{row.pk}/withdraw/").status_code == 404
    assert Program(charlie).get(MINE).json()["results"] == []
    assert Program(charlie).get(ALL).status_code == 404


def test_an_approver_lists_filters_and_decides(approver: User, waiting: Make, submitted: Make) -> None:
    first, second = waiting(namespace="one"), waiting(namespace="two", project_name="Knee")
    submitted(namespace="three")
    program = Program(approver)
    assert [row["namespace"] for row in program.get(ALL, status="email_verified").json()["results"]] == ["one", "two"]
    assert [row["namespace"] for row in program.get(ALL, q="knee").json()["results"]] == ["two"]
    answer = program.post(f"{ALL}{first.pk}/approve/", {"gpus": 1, "version": first.version})
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    allocation = Project.objects.get(namespace="one").allocation
    assert (allocation.requested_gpus, allocation.granted_gpus, allocation.granted_cpus) == (4, 1, 32)
    answer = program.post(f"{ALL}{first.pk}/reject/", {"reason": "Late."})
    assert answer.status_code == 409
    assert "Already approved by you at" in answer.json()["detail"]
    assert program.post(f"{ALL}{second.pk}/changes/", {"message": "Which knee?"}).json()["state"] == "changes_requested"
    assert program.get(f"{ALL}{second.pk}/").json()["history"][-1]["why"] == "Which knee?"
    assert Ledger.objects.count() == 1


def test_an_owner_admits_with_a_role(alice: User, joining: Make) -> None:
    row = joining()
    answer = Program(alice).post(f"{ALL}{row.pk}/approve/", {"cpus": 4})
    assert answer.status_code == 422
    assert "no field" in answer.json()["detail"]
    assert Program(alice).post(f"{ALL}{row.pk}/approve/", {"role": "viewer"}).status_code == 200
    assert Membership.objects.get(user__email=row.email).role == "viewer"


def test_a_decision_on_an_own_request_or_an_old_version_is_refused(approver: User, waiting: Make) -> None:
    own, other = waiting(by=approver, namespace="own"), waiting()
    program = Program(approver)
    assert "your own request" in program.post(f"{ALL}{own.pk}/approve/").json()["detail"]
    old = "2001-01-01T00:00:00+00:00"
    assert program.post(f"{ALL}{other.pk}/approve/", {"version": old}).status_code == 409
    assert program.post(f"{ALL}{other.pk}/approve/", {"version": "x"}).status_code == 404
    assert not Project.objects.exists()


def test_a_token_that_only_reads_decides_nothing(approver: User, waiting: Make) -> None:
    row = waiting()
    program = Program(approver, ApiToken.Scope.READ)
    assert program.get(ALL).status_code == 200
    assert program.post(f"{ALL}{row.pk}/approve/").status_code == 403
    assert program.post(MINE, asked()).status_code == 403


def test_lists_cost_no_more_with_more_rows(approver: User, waiting: Make, client_of: ClientOf) -> None:
    client = client_of(approver)
    waiting(by=approver, namespace="first")
    before = [cost_of(client, path) for path in (ALL, MINE)]
    for number in range(10):
        waiting(by=approver, namespace=f"n-{number}")
    assert [cost_of(client, path) for path in (ALL, MINE)] == before
