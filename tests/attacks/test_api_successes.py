"""Each operation of the API's document succeeds for somebody, and the answer is as the document says.

What is made from the document alone hardly ever succeeds in writing: it would have to guess what there is.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.archives.models import Series
from apps.jobs.models import Algorithm
from apps.projects.models import Project
from tests.attacks.documented_api import Judged, Operation, judge, operations
from tests.conftest import ClientOf
from tests.jobs.conftest import bundled, ct, own_folders, segmentation
from tests.programs import Program
from tests.projects.conftest import row_of
from tests.registrations.conftest import answers, join_answers, without

__all__ = ["bundled", "ct", "own_folders", "segmentation"]
pytestmark = [pytest.mark.attacks, pytest.mark.django_db]
PROJECT = "projects/cardiac-mr/"
As = Callable[[User], Judged]


@pytest.fixture
def succeeded() -> set[Operation]:
    return set()


@pytest.fixture
def by(succeeded: set[Operation]) -> As:
    """The program of a person, whose answers are judged."""
    return lambda user: Judged(Program(user), succeeded)


def read(program: Judged, *paths: str) -> None:
    for path in paths:
        program.ask("GET", path)


def test_every_operation_succeeds(
    by: As,
    succeeded: set[Operation],
    request: pytest.FixtureRequest,
    project: Project,
    ct: Series,
    segmentation: Algorithm,
) -> None:
    people = {name: request.getfixturevalue(name) for name in ("alice", "bob", "vera", "charlie", "approver", "admin")}
    ask_and_decide(by(people["charlie"]), by(people["approver"]), by(people["alice"]))
    ask_for_more_time(by(people["alice"]), by(people["approver"]), project)
    keep_members(by(people["alice"]), people["bob"], people["vera"])
    run_an_algorithm(by(people["bob"]), segmentation, ct)
    keep_an_account(by(people["bob"]), people["bob"], request.getfixturevalue("client_of"), succeeded)
    live(by(people["bob"]), by(people["admin"]))
    assert operations() - succeeded == set()


@pytest.mark.parametrize(
    ("status", "content"), [(200, b'{"email": 1}'), (200, b"[]"), (418, b"{}")], ids=["type", "list", "status"]
)
def test_an_answer_that_is_not_as_documented_is_seen(status: int, content: bytes) -> None:
    with pytest.raises(AssertionError):
        judge(("GET", "/api/v1/account/"), status, {"Content-Type": "application/json"}, content)


def ask_and_decide(asker: Judged, approver: Judged, owner: Judged) -> None:
    wish = {**without(answers(), "name", "email"), "terms": True, "environment_file": "numpy>=2\n"}
    first = asker.ask("POST", "registrations/", wish)["id"]
    approver.ask("POST", f"approvals/{first}/changes/", {"message": "Fewer GPUs, please."})
    asker.ask("PATCH", f"registrations/{first}/", {"gpus": 1})
    approver.ask("POST", f"approvals/{first}/changes/", {"message": "Why one?"})
    asker.ask("POST", f"registrations/{first}/answer/", {"answer": "One model."})
    read(approver, "approvals/", f"approvals/{first}/")
    approver.ask("POST", f"approvals/{first}/approve/", {"cpus": 8})
    second = asker.ask("POST", "registrations/", {**wish, "namespace": "second"})["id"]
    approver.ask("POST", f"approvals/{second}/reject/", {"reason": "One is enough."})
    join = {**without(join_answers(), "name", "email"), "terms": True}
    third = asker.ask("POST", "registrations/join/", join)["id"]
    read(owner, f"approvals/{third}/")
    asker.ask("POST", f"registrations/{third}/withdraw/")
    fourth = asker.ask("POST", "registrations/join/", join)["id"]
    owner.ask("POST", f"approvals/{fourth}/approve/", {"role": "viewer"})
    read(asker, "registrations/", *(f"registrations/{pk}/" for pk in (first, second, third, fourth)))


def ask_for_more_time(owner: Judged, approver: Judged, project: Project) -> None:
    later = {"ends_on": str(project.ends_on + timedelta(days=90))}
    wish = {**later, "why": "Two more scanners."}
    asked = owner.ask("POST", f"{PROJECT}extensions/", wish)["id"]
    owner.ask("POST", f"{PROJECT}extensions/{asked}/withdraw/")
    asked = owner.ask("POST", f"{PROJECT}extensions/", wish)["id"]
    read(approver, "extensions/")
    approver.ask("POST", f"extensions/{asked}/refuse/", {"said": "Not yet."})
    asked = owner.ask("POST", f"{PROJECT}extensions/", wish)["id"]
    approver.ask("POST", f"extensions/{asked}/grant/", later)
    read(owner, f"{PROJECT}extensions/")


def keep_members(owner: Judged, bob: User, vera: User) -> None:
    invited = owner.ask("POST", f"{PROJECT}invitations/", {"email": "ida@uni.example", "role": "viewer"})["id"]
    owner.ask("POST", f"{PROJECT}invitations/{invited}/resend/")
    read(owner, f"{PROJECT}invitations/", f"{PROJECT}invitations/{invited}/")
    owner.ask("DELETE", f"{PROJECT}invitations/{invited}/")
    members = f"{PROJECT}members/"
    owner.ask("PATCH", f"{members}{row_of(bob).pk}/", {"may_export": True})
    read(owner, members, f"{members}{row_of(bob).pk}/")
    owner.ask("DELETE", f"{members}{row_of(vera).pk}/")
    owner.ask("POST", f"{members}{row_of(bob).pk}/hand-over/")


def run_an_algorithm(owner: Judged, algorithm: Algorithm, ct: Series) -> None:
    wish = {"algorithm": algorithm.name, "series": [ct.series_instance_uid]}
    run = owner.ask("POST", f"{PROJECT}runs/", wish)["id"]
    read(owner, "algorithms/", f"{PROJECT}runs/", f"{PROJECT}runs/{run}/")
    owner.ask("POST", f"{PROJECT}runs/{run}/cancel/")


def keep_an_account(program: Judged, user: User, client_of: ClientOf, succeeded: set[Operation]) -> None:
    program.ask("PATCH", "account/", {"position": "Physicist"})
    read(program, "account/", "tokens/")
    in_browser = Judged(Program(user), succeeded)
    in_browser.program.client = client_of(user)
    wish = {"name": "nightly", "days": 30, "scopes": ["read"]}
    made = in_browser.ask("POST", "tokens/", wish)
    program.ask("DELETE", f"tokens/{made['id']}/")


def live(owner: Judged, admin: Judged) -> None:
    owner.ask("PATCH", PROJECT, {"description": "Cine MR of 200 hearts."})
    wanted = {"cpus": 16, "memory_gib": 32, "gpus": 0, "storage_gib": 200}
    admin.ask("PUT", f"{PROJECT}resources/", wanted)
    admin.ask("POST", f"{PROJECT}suspend/", {"why": "The cluster moves."})
    admin.ask("POST", f"{PROJECT}resume/")
    owner.ask("POST", f"{PROJECT}archive/", {"why": "The work is done."})
    admin.ask("POST", f"{PROJECT}restore/")
    owner.ask("POST", f"{PROJECT}delete/", {"typed": "cardiac-mr"})
    owner.ask("POST", f"{PROJECT}undo/")
    read(owner, "projects/", PROJECT, f"{PROJECT}changes/", f"{PROJECT}audit/")
    read(admin, "audit/")
