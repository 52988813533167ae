"""Many studies at once: those with a mark, or all that match the search, go to one action."""

import csv
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives.models import Archive, Patient, Study
from apps.archives.services import ensure_archive
from apps.audit.models import Entry
from apps.datasets.studies import actions, own_actions
from apps.datasets.studies.actions import Chosen, StudyAction
from tests.conftest import ClientOf
from tests.viewer.release import write_release

PAGE = "/projects/cardiac-mr/data/"
ADDRESS = f"{PAGE}selected/"
AddStudy = Callable[..., Study]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The studies that reached an action for members, called "note", which takes three at most."""
    seen: list[list[str]] = []

    def note(request: HttpRequest, chosen: Chosen) -> HttpResponse:
        seen.append([study.study_instance_uid for study in chosen.studies])
        return HttpResponse(chosen.entry.user.name)

    monkeypatch.setattr(actions, "_actions", {})
    actions.register(
        StudyAction("note", "Note them", "pencil", lambda entry, archive: entry.may_work, note, most=3),
        StudyAction(
            "count", "Count them", "table", lambda entry, archive: True, lambda request, it: HttpResponse(str(it.count))
        ),
    )
    return seen


def post(client: Client, action: str = "note", **fields: Any) -> Any:
    return client.post(ADDRESS, {"action": action, **fields})


def told(client: Client, response: Any) -> str:
    """The sentence on the list to which the person is led back."""
    assert response.status_code == HTTPStatus.FOUND
    return client.get(response.headers["Location"]).text


def test_the_marked_ones_are_taken_in_the_order_of_the_page(
    done: list[list[str]], add_study: AddStudy, client_of: ClientOf, bob: User
) -> None:
    for number in (1, 2, 3):
        add_study(number)
    response = post(client_of(bob), studies=["1.2.1", "1.2.3"], scope="chosen", query="order=-date&q=no+matter")
    assert (response.text, done) == ("Bob", [["1.2.3", "1.2.1"]])


def test_all_that_match_are_taken_whatever_is_marked(
    done: list[list[str]], add_study: AddStudy, client_of: ClientOf, bob: User
) -> None:
    for number in (1, 2, 3):
        add_study(number, modalities="MR" if number < 3 else "CT")
    post(client_of(bob), studies=["1.2.3"], scope="matching", query="modality=MR&order=date&page=7")
    assert done == [["1.2.1", "1.2.2"]]


def test_thousands_are_taken_without_being_named(
    done: list[list[str]], archive: Archive, client_of: ClientOf, bob: User
) -> None:
    patient = Patient.objects.create(archive=archive, patient_id="P")
    uids = [f"1.2.{number}" for number in range(3000)]
    Study.objects.bulk_create(Study(archive=archive, patient=patient, study_instance_uid=uid) for uid in uids)
    with CaptureQueriesContext(connection) as queries:
        assert post(client_of(bob), "count", scope="matching").text == "3000"
    assert len(queries) < 30


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Choose studies first"),
        ({"scope": "chosen"}, "Choose studies first"),
        ({"studies": ["1.2.1", "1.2.99"]}, "Some of the studies that you chose are not here any more."),
        ({"studies": ["\x00", "1.2.1"]}, "Some of the studies that you chose are not here any more."),
        ({"scope": "matching", "query": "q=nobody"}, "No study matches any more."),
        ({"scope": "matching", "query": "modality=XX"}, "The search cannot be read as it was."),
        ({"scope": "matching", "query": "since=never"}, "The search cannot be read as it was."),
        ({"scope": "matching", "query": ""}, "“Note them” takes at most 3 studies at once; you chose 4."),
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_is_done(
    done: list[list[str]],
    add_study: AddStudy,
    client_of: ClientOf,
    bob: User,
    fields: dict[str, Any],
    sentence: str,
) -> None:
    for number in (1, 2, 3, 4):
        add_study(number)
    client = client_of(bob)
    assert sentence in told(client, post(client, **fields))
    assert done == []


def test_the_search_stays_when_nothing_was_done(add_study: AddStudy, client_of: ClientOf, alice: User) -> None:
    add_study(1)
    response = post(client_of(alice), "list", query="q=doe&page=2&next=//evil.example")
    assert response.headers["Location"] == f"{PAGE}?q=doe&page=2&next=%2F%2Fevil.example"


@pytest.mark.attacks
def test_studies_of_another_project_cannot_be_named(
    done: list[list[str]], add_study: AddStudy, make_project: Callable[[str], Any], client_of: ClientOf, bob: User
) -> None:
    other = ensure_archive(make_project("other"))
    patient = Patient.objects.create(archive=other, patient_id="P9")
    Study.objects.create(archive=other, patient=patient, study_instance_uid="1.2.9")
    add_study(1)
    client = client_of(bob)
    assert "are not here any more" in told(client, post(client, studies=["1.2.9"]))
    assert done == []


def test_who_may_not_is_refused_and_not_offered(
    done: list[list[str]], add_study: AddStudy, client_of: ClientOf, bob: User, vera: User, charlie: User
) -> None:
    add_study(1)
    assert "Note them" in client_of(bob).get(PAGE).text
    assert "Note them" not in client_of(vera).get(PAGE).text
    statuses = [post(client_of(person), studies=["1.2.1"]).status_code for person in (vera, charlie)]
    assert statuses == [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND]
    assert post(client_of(bob), "nonsense", studies=["1.2.1"]).status_code == HTTPStatus.NOT_FOUND
    assert client_of(bob).get(ADDRESS).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert done == []


def test_without_anything_to_do_there_are_no_boxes(
    add_study: AddStudy, client_of: ClientOf, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_study(1)
    monkeypatch.setattr(actions, "_actions", {})
    assert 'type="checkbox"' not in client_of(vera).get(PAGE).text


def test_a_list_is_a_file_for_who_may_export_and_is_audited(
    add_study: AddStudy, archive: Archive, client_of: ClientOf, alice: User
) -> None:
    add_study(1, name="@SUM(1+9)", study_description="Thorax, low dose", size_bytes=9, modalities="CT\\SEG")
    add_study(2, name="Yamada^Tarou=山田^太郎")
    response = post(client_of(alice), "list", scope="matching", query="order=date")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="cardiac-mr-studies-20')
    heads, *rows = csv.reader(response.getvalue().decode().splitlines())
    assert (heads[0], heads[-1]) == ("patient ID", "Study Instance UID")
    assert [row[1] for row in rows] == ["'@SUM(1+9)", "Yamada, Tarou"]
    assert rows[0][4:] == ["Thorax, low dose", "", "CT, SEG", "1", "0", "9", "1.2.1"]
    entry = Entry.objects.get(action="images.listed")
    assert (entry.actor_pk, entry.subject_pk, entry.detail) == (alice.pk, archive.pk, {"studies": 2})


def test_several_studies_are_opened_in_ohif_together(
    add_study: AddStudy, client_of: ClientOf, vera: User, settings: Settings, tmp_path: Path
) -> None:
    settings.VIEWER_DIR = tmp_path / "ohif"
    write_release(settings.VIEWER_DIR)
    for number in (1, 2):
        add_study(number)
    response = post(client_of(vera), "ohif", studies=["1.2.1", "1.2.2"])
    assert response.headers["Location"] == "/viewer/viewer/cardiac-mr?StudyInstanceUIDs=1.2.2,1.2.1"
    assert Entry.objects.filter(action="images.viewed").count() == 2


def test_ohif_is_not_offered_where_it_was_not_fetched(
    add_study: AddStudy, client_of: ClientOf, vera: User, settings: Settings, tmp_path: Path
) -> None:
    settings.VIEWER_DIR = tmp_path
    add_study(1)
    assert "Open in OHIF" not in client_of(vera).get(PAGE).text
    assert post(client_of(vera), "ohif", studies=["1.2.1"]).status_code == HTTPStatus.FORBIDDEN


def test_ohif_and_downloads_take_few_at_once() -> None:
    assert {action.name: action.most for action in own_actions.OWN} == {"ohif": 10, "download": 100, "list": None}
