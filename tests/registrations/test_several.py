"""Several decisions at once: each is one of its own, and tells what came of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

from apps.accounts.models import User
from apps.core.models import Mail
from apps.projects.models import Membership, Project
from apps.registrations import decisions, services
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.registrations.conftest import Make

pytestmark = pytest.mark.django_db
Status = Registration.Status
SEVERAL = "/approvals/several/"


def ticks(*rows: Registration) -> list[str]:
    return [f"{row.pk}:{row.version}" for row in rows]


def results(
    client: Client, *rows: Registration, action: str = "approve", **sent: object
) -> dict[str, tuple[bool, str]]:
    """What came of each, by namespace."""
    page = client.post(SEVERAL, {"action": action, "ticked": ticks(*rows), **sent})
    assert page.status_code == 200
    found = page.context["results"]
    assert all(result.registration.title in page.text for result in found)
    return {result.registration.namespace: (result.is_done, result.sentence) for result in found}


def test_the_list_offers_it_for_what_waits(approver: User, client_of: ClientOf, waiting: Make, submitted: Make) -> None:
    row, unproved = waiting(), submitted(namespace="other")
    page = client_of(approver).get("/approvals/", {"status": ""}).text
    assert f'value="{ticks(row)[0]}"' in page
    assert ticks(unproved)[0] not in page
    assert "checked" not in page
    assert "checked" in client_of(approver).get("/approvals/", {"all": ""}).text


def test_support_is_offered_nothing(support: User, client_of: ClientOf, waiting: Make) -> None:
    row = waiting()
    assert 'name="ticked"' not in client_of(support).get("/approvals/").text
    answer = client_of(support).post(SEVERAL, {"action": "approve", "ticked": ticks(row)})
    assert answer.status_code == 404


def test_each_is_approved_as_asked(approver: User, client_of: ClientOf, waiting: Make, joining: Make) -> None:
    rows = [waiting(namespace="one"), waiting(namespace="two", gpus=7), joining()]
    done = results(client_of(approver), *rows)
    assert done == dict.fromkeys(("one", "two", "cardiac-mr"), (True, "Approved."))
    assert Project.objects.get(namespace="two").allocation.granted_gpus == 7
    assert Membership.objects.filter(project__namespace="cardiac-mr", user__email=rows[2].email).exists()


def test_one_that_cannot_be_stops_no_other(
    approver: User, admin: User, client_of: ClientOf, waiting: Make, make_project: Callable[[str], Project]
) -> None:
    own, taken, late = waiting(by=approver, namespace="own"), waiting(namespace="taken"), waiting(namespace="late")
    over, fine = waiting(namespace="over"), waiting(namespace="fine")
    make_project("taken")
    decisions.reject(Registration.objects.get(pk=late.pk), reason="No.", by=admin)
    Registration.objects.filter(pk=over.pk).update(
        starts_on=F("starts_on") - timedelta(days=500), ends_on=F("starts_on") - timedelta(days=400)
    )
    done = results(client_of(approver), own, taken, late, over, fine)
    assert {name: is_done for name, (is_done, _) in done.items()} == {
        "own": False,
        "taken": False,
        "late": False,
        "over": False,
        "fine": True,
    }
    assert "your own request" in done["own"][1]
    assert "has been taken meanwhile" in done["taken"][1]
    assert "Already rejected by Admin at" in done["late"][1]
    assert "This day has passed" in done["over"][1]
    assert list(Project.objects.exclude(namespace="taken").values_list("namespace", flat=True)) == ["fine"]


def test_twice_is_once(approver: User, client_of: ClientOf, waiting: Make) -> None:
    row = waiting()
    assert results(client_of(approver), row)["prostate-atlas"][0]
    again = results(client_of(approver), row)["prostate-atlas"]
    assert again[0] is False
    assert "Already approved by you at" in again[1]
    assert Project.objects.count() == 1


def test_one_reason_for_all_who_are_rejected(approver: User, client_of: ClientOf, waiting: Make) -> None:
    rows = [waiting(namespace="one", email="one@uni.example"), waiting(namespace="two", email="two@uni.example")]
    done = results(client_of(approver), *rows, action="reject", reason="The platform is full.")
    assert done == dict.fromkeys(("one", "two"), (True, "Rejected."))
    letters = Mail.objects.filter(subject__startswith="Your request was rejected")
    assert {letter.to for letter in letters if "The platform is full." in letter.text} == {
        "one@uni.example",
        "two@uni.example",
    }


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"action": "reject"}, "A rejection needs its reason."),
        ({"action": "approve", "ticked": []}, "Tick the requests first."),
        ({"action": "approve", "ticked": ["x"]}, "Select a valid choice"),
        ({"action": "approve", "ticked": ["1"]}, "Select a valid choice"),
        ({"action": "delete"}, "Select a valid choice"),
        ({"action": "approve", "granted_gpus": "99"}, "no field"),
    ],
)
def test_what_cannot_be_understood_writes_nothing_and_leads_back(
    approver: User, client_of: ClientOf, waiting: Make, sent: dict[str, object], says: str
) -> None:
    row = waiting()
    query = "status=&kind=join"
    answer = client_of(approver).post(SEVERAL, {"ticked": ticks(row), "query": query, **sent}, follow=True)
    assert answer.redirect_chain == [(f"/approvals/?{query}", 302)]
    assert says in answer.text
    row.refresh_from_db()
    assert row.status == Status.EMAIL_VERIFIED


def test_an_owner_decides_only_on_the_own_projects(
    alice: User, client_of: ClientOf, waiting: Make, joining: Make
) -> None:
    joins, other = joining(), waiting()
    client = client_of(alice)
    answer = client.post(SEVERAL, {"action": "approve", "ticked": ticks(joins, other)})
    assert answer.status_code == 404
    joins.refresh_from_db()
    assert joins.status == Status.EMAIL_VERIFIED
    assert results(client, joins)["cardiac-mr"][0]


def test_a_version_that_is_old_is_not_decided_on(approver: User, client_of: ClientOf, waiting: Make) -> None:
    row = waiting()
    old = ticks(row)
    decisions.ask_for_changes(row, message="Why?", by=approver)
    services.answer(row, text="Since.", by=None)
    page = client_of(approver).post(SEVERAL, {"action": "approve", "ticked": old})
    assert "has changed since you opened it" in page.text
    assert not Project.objects.exists()


def test_nothing_changes_by_get(approver: User, client_of: ClientOf) -> None:
    assert client_of(approver).get(SEVERAL).status_code == 405
