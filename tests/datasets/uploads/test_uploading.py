"""Files come in by the form of a page or by a script's requests, and what cannot be taken is named with its reason."""

import io
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Archive, Instance, Study
from apps.audit.models import Entry
from apps.datasets.models import Upload
from apps.datasets.uploads import admission, services
from tests.archives.dicom_files import packaged
from tests.conftest import ClientOf
from tests.datasets.uploads.sending import UPLOAD, files_of, leftovers, sent, upload, zipped
from tests.dicom import WrittenSeries, ct_series


def test_a_series_is_stored(archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries) -> None:
    answer = upload(client_of(bob), *files_of(ct))
    assert {name: answer[name] for name in ("stored", "present", "refused", "studies")} == {
        "stored": 4,
        "present": 0,
        "refused": [],
        "studies": [ct.study_instance_uid],
    }
    assert set(Instance.objects.values_list("sop_instance_uid", flat=True)) == set(ct.sop_instance_uids)
    assert leftovers() == []


def test_the_same_files_again_are_there_already(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    upload(client_of(bob), *files_of(ct))
    answer = upload(client_of(bob), *files_of(ct))
    assert (answer["stored"], answer["present"]) == (0, 4)
    assert Instance.objects.count() == 4


def test_what_cannot_be_taken_is_named_and_the_rest_goes_on(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    files = [sent("notes.txt", b"not an image"), *files_of(ct)[:1], sent("empty.dcm", b"")]
    answer = upload(client_of(bob), *files)
    assert answer["stored"] == 1
    assert {refusal["name"] for refusal in answer["refused"]} <= {"notes.txt", "empty.dcm"}
    assert "notes.txt" in {refusal["name"] for refusal in answer["refused"]}
    assert all(refusal["sentence"].endswith(".") for refusal in answer["refused"])


def test_a_zip_with_folders_is_unpacked(archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries) -> None:
    members = {f"study/series/{path.name}": path.read_bytes() for path in ct.paths}
    answer = upload(
        client_of(bob), sent("head.zip", zipped({**members, "study/readme.txt": b"hello", "__MACOSX/x": b""}))
    )
    assert answer["stored"] == 4
    assert [refusal["name"] for refusal in answer["refused"]] == [
        "head.zip: study/readme.txt",
        "head.zip: __MACOSX/x",
    ]
    assert leftovers() == []


def test_files_of_a_zip_are_judged_by_what_is_in_them(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    members = {
        "DICOMDIR": ct.paths[0].read_bytes(),
        "IMG00001": directory("..", "..", "etc", "passwd"),
        "__MACOSX/._IMG00001": b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X",
        ".DS_Store": b"\x00\x00\x00\x01Bud1\x00",
    }
    answer = upload(client_of(bob), sent("cd.zip", zipped(members)))
    assert answer["stored"] == 1
    assert {refusal["name"]: refusal["sentence"] for refusal in answer["refused"]} == {
        "cd.zip: IMG00001": "This is a DICOMDIR, the table of contents of a disc; it holds no images itself.",
        "cd.zip: __MACOSX/._IMG00001": "This is what macOS notes of a file, not a DICOM file.",
        "cd.zip: .DS_Store": "This is what macOS notes of a folder, not a DICOM file.",
    }
    assert leftovers() == []


def directory(*referenced_file_id: str) -> bytes:
    """A DICOMDIR whose images are said to be in that place."""
    data_set = pydicom.dcmread(packaged("dicomdirtests/DICOMDIR"))
    for record in data_set.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            record.ReferencedFileID = list(referenced_file_id)
    output = io.BytesIO()
    pydicom.dcmwrite(output, data_set)
    return output.getvalue()


@pytest.mark.attacks
def test_a_zip_bomb_is_refused_by_name(archive: Archive, bob: User, client_of: ClientOf) -> None:
    answer = upload(client_of(bob), sent("bomb.zip", zipped({"zeros": bytes(100 * 1024**2)})))
    assert answer["stored"] == 0
    assert [refusal["name"] for refusal in answer["refused"]] == ["bomb.zip"]
    assert "times its size" in answer["refused"][0]["sentence"]
    assert leftovers() == []


@pytest.mark.attacks
def test_names_that_climb_stay_names(archive: Archive, bob: User, client_of: ClientOf) -> None:
    answer = upload(client_of(bob), sent("climb.zip", zipped({"../../etc/<b>passwd": b"root"})))
    assert answer["refused"][0]["name"].startswith("climb.zip: ")
    assert not Path(settings.VAR_DIR, "etc").exists()


def test_without_a_script_the_result_is_a_page(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    client = client_of(bob)
    response = client.post(UPLOAD, {"files": [*files_of(ct), sent("<i>notes.txt", b"words")]}, follow=True)
    assert response.redirect_chain == [(f"/projects/cardiac-mr/data/uploads/{Upload.objects.get().pk}/", 302)]
    assert "4 images stored" in response.text
    assert "notes" in response.text
    assert "<i>notes" not in response.text
    assert f"/projects/cardiac-mr/data/studies/{ct.study_instance_uid}/" in response.text


def test_an_empty_form_says_what_to_do(archive: Archive, bob: User, client_of: ClientOf) -> None:
    assert "Choose files first" in client_of(bob).post(UPLOAD, {}, follow=True).text


def test_requests_of_one_page_are_one_upload(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    upload(client_of(bob), *files_of(ct)[:2], key=key)
    upload(client_of(bob), *files_of(ct)[2:], sent("notes.txt", b"words"), key=key)
    row = Upload.objects.get()
    assert (row.stored_count, row.present_count, row.refused_count) == (4, 0, 1)
    assert row.study_instance_uids == [ct.study_instance_uid]
    assert list(row.files.filter(outcome="refused").values_list("name", flat=True)) == ["notes.txt"]
    assert row.by == bob


def test_one_persons_key_is_not_anothers(
    archive: Archive, alice: User, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    upload(client_of(bob), *files_of(ct)[:2], key=key)
    upload(client_of(alice), *files_of(ct)[2:], key=key)
    assert sorted(Upload.objects.values_list("by__email", "stored_count")) == [
        ("alice@hospital.example", 2),
        ("bob@hospital.example", 2),
    ]


def test_an_upload_is_audited_without_names(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    upload(client_of(bob), *files_of(ct))
    entries = Entry.objects.filter(action="images.upload")
    assert [(entry.actor_pk, entry.subject_pk) for entry in entries] == [(bob.pk, Upload.objects.get().pk)]
    assert "Phantom" not in str(list(Entry.objects.values()))


def test_viewers_are_refused_before_a_byte_is_read(archive: Archive, vera: User, client_of: ClientOf) -> None:
    response = client_of(vera).post(UPLOAD, {"files": [sent("a.dcm", b"x")]}, headers={"Accept": "application/json"})
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert "Viewers can look" in response.json()["detail"]
    assert not hasattr(response.wsgi_request, "_files")


def test_outsiders_find_nothing(archive: Archive, charlie: User, client_of: ClientOf) -> None:
    assert client_of(charlie).post(UPLOAD).status_code == HTTPStatus.NOT_FOUND


def test_nobody_signed_in_is_sent_to_sign_in(archive: Archive) -> None:
    assert Client().post(UPLOAD).headers["Location"].startswith("/account/login/")


def test_only_post_uploads(archive: Archive, bob: User, client_of: ClientOf) -> None:
    assert client_of(bob).get(UPLOAD).status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.attacks
def test_another_sites_form_uploads_nothing(archive: Archive, bob: User, ct: WrittenSeries) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.post(UPLOAD, {"files": files_of(ct)}).status_code == HTTPStatus.FORBIDDEN
    assert not Study.objects.exists()
    assert leftovers() == []


def test_too_large_is_said_before_a_byte_is_read(
    archive: Archive, bob: User, client_of: ClientOf, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    response = client_of(bob).post(
        UPLOAD, {"files": [sent("a.dcm", bytes(100))]}, headers={"Accept": "application/json"}
    )
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "send them in parts" in response.json()["detail"]


def test_too_many_files_are_said(archive: Archive, bob: User, client_of: ClientOf, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    response = client_of(bob).post(UPLOAD, {"files": [sent(f"{number}.dcm", b"x") for number in range(3)]})
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "At most 2 files are taken at once" in response.text
    assert leftovers() == []


@pytest.mark.faults
def test_a_full_disk_is_said_and_nothing_is_half_there(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(services, "store_files", full)
    response = client_of(bob).post(UPLOAD, {"files": files_of(ct)}, headers={"Accept": "application/json"})
    assert response.status_code == HTTPStatus.INSUFFICIENT_STORAGE
    assert "disk" in response.json()["detail"]
    assert not Instance.objects.exists()
    assert leftovers() == []


@pytest.mark.faults
def test_the_portal_keeps_some_of_the_disk_for_itself(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LEAST_FREE_BYTES", 2**60)
    response = client_of(bob).post(UPLOAD, {"files": files_of(ct)})
    assert response.status_code == HTTPStatus.INSUFFICIENT_STORAGE
    assert not Instance.objects.exists()


@pytest.mark.faults
def test_a_repeat_after_a_failure_completes_the_upload(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = services.store_files, []

    def second_fails(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(*args, **kwargs)

    monkeypatch.setattr(services, "BATCH_FILES", 2)
    monkeypatch.setattr(services, "store_files", second_fails)
    client_of(bob).post(UPLOAD, {"files": files_of(ct)})
    assert Upload.objects.get().stored_count == Instance.objects.count() == 2
    answer = upload(client_of(bob), *files_of(ct))
    assert (answer["stored"], answer["present"]) == (2, 2)


def test_files_of_killed_uploads_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    abandoned = Path(settings.FILE_UPLOAD_TEMP_DIR, "killed.upload")
    abandoned.write_bytes(b"half")
    somebody_elses = Path(settings.FILE_UPLOAD_TEMP_DIR, "beat")
    somebody_elses.touch()
    assert services.sweep() == 0
    monkeypatch.setattr(services, "ABANDONED_SECONDS", -60)
    assert services.sweep() >= 1
    assert not abandoned.exists()
    assert somebody_elses.exists()


def test_files_of_this_machine_are_copied_in(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "kept")
    receipt = services.import_files(archive, series.paths, by=alice)
    assert receipt.study_instance_uids == [series.study_instance_uid]
    assert all(path.exists() for path in series.paths)
    assert Instance.objects.count() == len(series.paths)
    assert leftovers() == []
