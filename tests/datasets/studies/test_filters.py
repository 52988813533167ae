"""The studies table narrowed down: words, days, modality and state, each in the address; and every order."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive, RemoteServer, Study
from apps.archives.selectors import Outage
from apps.core.templatetags.ui import clock
from apps.datasets.studies.search import FIELDS
from apps.datasets.studies.states import CHANGING_FOR, state_of
from tests.conftest import ClientOf

ADDRESS = "/projects/cardiac-mr/data/"
AddStudy = Callable[..., Study]


@pytest.fixture
def veras(client_of: ClientOf, vera: User) -> Client:
    return client_of(vera)


def listed(client: Client, query: str = "") -> list[str]:
    response = client.get(f"{ADDRESS}{query}")
    assert response.status_code == HTTPStatus.OK
    return [study.study_instance_uid for study in response.context["page"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?since=2026-02-01", ["1.2.3", "1.2.2"]),
        ("?since=2026-02-02", ["1.2.3"]),
        ("?until=2026-02-01", ["1.2.2", "1.2.1"]),
        ("?since=2026-02-01&until=2026-02-01", ["1.2.2"]),
        ("?since=2026-02-01&q=jane3", ["1.2.3"]),
        ("?since=2027-01-01", []),
    ],
)
def test_days_are_counted_in(add_study: AddStudy, veras: Client, query: str, found: list[str]) -> None:
    for number in (1, 2, 3):
        add_study(number, study_date=f"20260{number}01")
    add_study(4, study_date="")
    assert listed(veras, query) == found


def test_a_study_without_a_date_stands_last(add_study: AddStudy, veras: Client) -> None:
    add_study(1, study_date="")
    add_study(2, study_date="20260101")
    assert listed(veras) == ["1.2.2", "1.2.1"]


@pytest.mark.parametrize("text", ["karl karlsson", "Karlsson, Karl", "karlsson thorax", "P1 acc", "  KARLSSON  "])
def test_every_word_is_looked_for_anywhere(add_study: AddStudy, veras: Client, text: str) -> None:
    add_study(1, name="Karlsson^Karl", study_description="CT Thorax", accession_number="ACC-1")
    add_study(2, name="Karlsdotter^Karin", study_description="CT Abdomen")
    assert listed(veras, f"?q={text}") == ["1.2.1"]


@pytest.mark.parametrize("text", ["%25", "_", "\\", "'", '"', "%3Cscript%3E"])
def test_signs_of_the_database_are_only_text(add_study: AddStudy, veras: Client, text: str) -> None:
    add_study(1)
    assert listed(veras, f"?q={text}") == []


def test_what_changes_now_is_told_from_what_is_stored(add_study: AddStudy, veras: Client) -> None:
    add_study(1)
    add_study(2, updated_at=timezone.now() - timedelta(seconds=CHANGING_FOR + 1))
    assert listed(veras, "?state=changing") == ["1.2.1"]
    assert listed(veras, "?state=stored") == ["1.2.2"]
    states = [re.search(r"Stored|Changing", state) for _, state in veras.get(ADDRESS).context["rows"]]
    assert [state and state[0] for state in states] == ["Stored", "Changing"]


def test_what_the_archive_cannot_serve_now_is_said_in_every_row(add_study: AddStudy) -> None:
    study, now = add_study(1), timezone.now()
    assert state_of(study, Outage(now, "refused")).word == "Not reachable"
    assert state_of(study, Outage(now, "", is_asleep=True)).word == "Asleep"


def test_of_a_server_the_list_says_as_of_when_it_is(archive: Archive, add_study: AddStudy, veras: Client) -> None:
    add_study(1)
    assert "as of" not in veras.get(ADDRESS).text
    Archive.objects.filter(pk=archive.pk).update(kind=Archive.Kind.ORTHANC)
    seen_at = datetime(2026, 11, 21, 12, 40, tzinfo=UTC)
    RemoteServer.objects.create(archive=archive, address="http://192.0.2.1:8042", last_seen_at=seen_at)
    assert f"as of {clock(seen_at)}, 21 November 2026" in veras.get(ADDRESS).text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?since=yesterday", "“From” is no day as 2027-03-31; it is left out."),
        ("?until=2026-02-30", "“To” is no day as 2027-03-31; it is left out."),
        ("?since=0001-01-01", "“From” is no day as 2027-03-31; it is left out."),
        ("?since=2026-02-01&until=2026-01-01", "The last day is before the first; it is left out."),
        ("?modality=XX", "No study here has the modality “XX”; it is left out."),
        ("?state=gone", "“gone” is no state of a study; it is left out."),
        ("?order=colour", "There is no order “colour”; the newest stand first."),
        ("?q=%00", "Null characters are not allowed."),
        (f"?q={'x' * 101}", "Ensure this value has at most 100 characters (it has 101)."),
    ],
)
def test_what_cannot_be_asked_for_is_said_and_left_out(
    add_study: AddStudy, veras: Client, query: str, sentence: str
) -> None:
    add_study(1, study_date="20260201")
    response = veras.get(f"{ADDRESS}{query}")
    assert response.context["filter"].complaints() == [sentence]
    assert sentence.replace("'", "&#x27;") in response.text
    assert [study.pk for study in response.context["page"]] == [Study.objects.get().pk]


@pytest.mark.parametrize("field", FIELDS)
def test_an_order_and_its_reverse_mirror_each_other(add_study: AddStudy, veras: Client, field: str) -> None:
    for number in range(1, 6):
        add_study(number, name="Same^Name", study_date="20260101", size_bytes=number // 2)
    up, down = listed(veras, f"?order={field}"), listed(veras, f"?order=-{field}")
    assert up == list(reversed(down))
    assert len(set(up)) == 5


def test_figures_sort_as_figures(add_study: AddStudy, veras: Client) -> None:
    for number, count in ((1, 9), (2, 100), (3, 20)):
        add_study(number, series_count=count, instance_count=count)
    assert listed(veras, "?order=-objects") == listed(veras, "?order=-series") == ["1.2.2", "1.2.3", "1.2.1"]


def test_how_many_match_is_said(add_study: AddStudy, veras: Client) -> None:
    for number in (1, 2):
        add_study(number, study_description=f"Part {number}")
    page = veras.get(f"{ADDRESS}?q=1.2.2&since=2026-01-01").text
    assert "1 of 2 studies matches" in page
    assert 'value="2026-01-01"' in page
