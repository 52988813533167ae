"""An upload that was interrupted goes on: its page announces the files again and sends what is missing."""

import json
import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.archives.services import FailureReason, Outcome, StoredResult
from apps.audit.models import Entry
from apps.datasets.models import Upload, UploadedFile
from apps.datasets.uploads import services
from apps.datasets.uploads.announcing import LONGEST_NAME, MOST_FILES
from tests.conftest import ClientOf
from tests.datasets.uploads.sending import (
    IMAGES,
    JSON,
    KEY,
    announce,
    announcement,
    contents_of,
    send_announced,
)
from tests.dicom import WrittenSeries


@pytest.fixture
def half(bobs: Client, ct: WrittenSeries) -> list[int]:
    """Four files are announced and two have come; their rows."""
    rows = [file["pk"] for file in announce(bobs, announcement(ct))["files"]]
    assert send_announced(bobs, contents_of(ct)[:2], rows[:2]).json()["stored"] == 2
    return rows


def test_what_is_in_is_known_when_it_is_announced_again(bobs: Client, ct: WrittenSeries, half: list[int]) -> None:
    again = announce(bobs, announcement(ct))["files"]
    assert [file["pk"] for file in again] == half
    assert [file["outcome"] for file in again] == ["stored", "stored", "waiting", "waiting"]
    assert send_announced(bobs, contents_of(ct)[2:], half[2:]).json()["stored"] == 2
    assert Instance.objects.count() == Upload.objects.get().stored_count == 4
    assert UploadedFile.objects.count() == 4


def test_the_page_offers_to_go_on(bobs: Client, half: list[int]) -> None:
    page = bobs.get(IMAGES)
    assert "2 of 4 files are in" in page.text
    assert f'name="key" value="{KEY}"' in page.text


def test_nobody_else_is_offered_it(
    archive: Archive, half: list[int], alice: User, vera: User, client_of: ClientOf
) -> None:
    for person in (alice, vera):
        assert "files are in" not in client_of(person).get(IMAGES).text


def test_a_whole_upload_is_not_offered(bobs: Client, ct: WrittenSeries, half: list[int]) -> None:
    send_announced(bobs, contents_of(ct)[2:], half[2:])
    assert "files are in" not in bobs.get(IMAGES).text


def test_an_upload_of_long_ago_is_not_offered(bobs: Client, half: list[int]) -> None:
    Upload.objects.update(last_at=timezone.now() - timedelta(days=8))
    assert "files are in" not in bobs.get(IMAGES).text


def test_files_of_one_name_and_size_are_told_apart(bobs: Client) -> None:
    same = ["series/0001.dcm", 100, 0]
    rows = announce(bobs, [[*same, "one"], [*same, "other"], [*same, "one"]])["files"]
    assert rows[0]["pk"] == rows[2]["pk"] != rows[1]["pk"]


def test_the_rest_is_ended_by_who_sends_it(bobs: Client, half: list[int], alice: User, client_of: ClientOf) -> None:
    address = f"{IMAGES}uploads/{Upload.objects.get().pk}/end/"
    assert client_of(alice).post(address).status_code == HTTPStatus.NOT_FOUND
    assert bobs.get(address).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert [bobs.post(address, headers=JSON).status_code for _ in range(2)] == [HTTPStatus.OK] * 2
    assert Entry.objects.filter(action="images.upload_ended").count() == 1
    assert "files are in" not in bobs.get(IMAGES).text
    assert Instance.objects.count() == 2


def test_who_chooses_files_again_goes_on_with_what_was_ended(bobs: Client, ct: WrittenSeries, half: list[int]) -> None:
    bobs.post(f"{IMAGES}uploads/{Upload.objects.get().pk}/end/")
    announce(bobs, announcement(ct), goes_on=False)
    assert Upload.objects.get().ended_at
    announce(bobs, announcement(ct))
    assert Upload.objects.get().ended_at is None


def test_a_file_that_came_twice_counts_once(bobs: Client, ct: WrittenSeries, half: list[int]) -> None:
    answer = send_announced(bobs, contents_of(ct)[:2], half[:2]).json()
    assert (answer["stored"], answer["present"]) == (0, 2)
    upload = Upload.objects.get()
    assert (upload.stored_count, upload.present_count) == (2, 0)


def test_rows_of_another_upload_are_refused(bobs: Client, ct: WrittenSeries, half: list[int]) -> None:
    for announced, key in ((half[2:], str(uuid.uuid4())), (half[:1], KEY), ([half[2], "x"], KEY)):
        response = send_announced(bobs, contents_of(ct)[2:], announced, key=key)
        assert response.status_code == HTTPStatus.CONFLICT
        assert "Reload the page" in response.json()["detail"]
    assert Instance.objects.count() == 2


def test_what_came_too_early_stays_waiting(
    bobs: Client, ct: WrittenSeries, half: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_archive: Archive, files: Any, **_kwargs: object) -> list[StoredResult]:
        return [
            StoredResult(file.name, Outcome.REFUSED, None, "Later.", FailureReason.OUT_OF_RESOURCES) for file in files
        ]

    monkeypatch.setattr(services, "store_files", busy)
    assert send_announced(bobs, contents_of(ct)[2:], half[2:]).json()["still_waiting"] == half[2:]
    assert UploadedFile.objects.filter(outcome="waiting").count() == 2
    assert Upload.objects.get().refused_count == 0


def test_a_refused_file_keeps_its_folder_and_its_sentence(bobs: Client) -> None:
    row = announce(bobs, [["study/notes.txt", 5, 0, "head"]])["files"][0]["pk"]
    assert send_announced(bobs, [b"words"], [row]).json()["refused"][0]["name"] == "study/notes.txt"
    again = announce(bobs, [["study/notes.txt", 5, 0, "head"]])["files"][0]
    assert again["outcome"] == "refused"
    assert again["sentence"].endswith(".")


@pytest.mark.attacks
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b"\xff",
        b"{}",
        b'{"key": 1, "goes_on": true, "files": []}',
        b'{"key": "", "goes_on": 1, "files": []}',
        b'{"key": "", "goes_on": true, "files": [["a", -1, 0, ""]]}',
        b'{"key": "", "goes_on": true, "files": [["a", 1e3, 0, ""]]}',
        b'{"key": "", "goes_on": true, "files": [[null, 1, 0, ""]]}',
        b'{"key": "", "goes_on": true, "files": [["a", 9007199254740993, 0, ""]]}',
        json.dumps({"key": "", "goes_on": True, "files": [["a", 1, 0, ""]] * (MOST_FILES + 1)}).encode(),
    ],
)
def test_what_is_no_announcement_is_refused(bobs: Client, body: bytes) -> None:
    response = bobs.post(f"{IMAGES}uploads/announce/", body, content_type="application/json", headers=JSON)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.json()["detail"].endswith(".")
    assert not Upload.objects.exists()


@pytest.mark.attacks
def test_names_that_no_database_holds_are_taken_without_it(bobs: Client) -> None:
    files = [["a\0b\ud800<i>", 1, 0, "\0"], ["n" * 10_000, 1, 0, "h" * 1000]]
    announce(bobs, files)
    names = list(UploadedFile.objects.order_by("pk").values_list("name", flat=True))
    assert names == ["ab?<i>", "n" * LONGEST_NAME]


def test_a_thousand_files_are_announced_by_a_handful_of_queries(bobs: Client) -> None:
    def taken(count: int, key: str) -> int:
        files = [[f"{number}.dcm", 1, 0, "head"] for number in range(count)]
        with CaptureQueriesContext(connection) as queries:
            announce(bobs, files, key=key)
        return len(queries)

    few = taken(10, str(uuid.uuid4()))
    assert taken(1000, str(uuid.uuid4())) <= few + 2 * 12  # SQLite takes so many rows a statement
    assert few < 25
