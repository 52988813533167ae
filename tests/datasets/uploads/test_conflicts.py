"""What cannot stand beside what is there is refused with its own sentence, and the rest of the upload goes on."""

from pathlib import Path

import pytest
from django.test import Client
from pydicom import dcmread

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.datasets.models import Upload
from tests.conftest import ClientOf
from tests.datasets.uploads.sending import (
    KEY,
    announce,
    announcement,
    contents_of,
    files_of,
    send_announced,
    sent,
    upload,
)
from tests.dicom import WrittenSeries, ct_series
from tests.racing import at_once


def test_the_same_object_with_other_bytes_is_refused(bobs: Client, ct: WrittenSeries) -> None:
    upload(bobs, *files_of(ct)[:1])
    dataset = dcmread(ct.paths[0])
    dataset.SeriesDescription = "Changed"
    dataset.save_as(ct.paths[0])
    answer = upload(bobs, *files_of(ct))
    assert answer["stored"] == 3
    assert [refusal["name"] for refusal in answer["refused"]] == [ct.paths[0].name]
    assert "another object with this SOPInstanceUID" in answer["refused"][0]["sentence"]
    assert Instance.objects.count() == 4


def test_a_study_of_another_patient_is_refused(bobs: Client, ct: WrittenSeries, tmp_path: Path) -> None:
    upload(bobs, *files_of(ct))
    foreign = ct_series(
        tmp_path / "foreign", slices=1, study_instance_uid=ct.study_instance_uid, patient_id="SOMEBODY-ELSE"
    )
    own = ct_series(tmp_path / "own", slices=1)
    answer = upload(bobs, sent("foreign.dcm", foreign.paths[0].read_bytes()), *files_of(own))
    assert answer["stored"] == 1
    assert [refusal["name"] for refusal in answer["refused"]] == ["foreign.dcm"]
    assert "patient" in answer["refused"][0]["sentence"]
    assert not Instance.objects.filter(sop_instance_uid=foreign.sop_instance_uids[0]).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_windows_that_send_the_same_files_store_them_once(
    archive: Archive, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    clients = [client_of(bob) for _ in range(3)]
    rows = [file["pk"] for file in announce(clients[0], announcement(ct))["files"]]
    contents = contents_of(ct)
    at_once(*(lambda client=client: send_announced(client, contents, rows, KEY) for client in clients))
    row = Upload.objects.get()
    assert row.stored_count + row.present_count == len(ct.paths)
    assert Instance.objects.count() == len(ct.paths)
    assert not row.files.exclude(outcome__in=("stored", "present")).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_people_who_send_the_same_files_store_them_once(
    archive: Archive, alice: User, bob: User, client_of: ClientOf, ct: WrittenSeries
) -> None:
    clients, files = [client_of(person) for person in (alice, bob)], [files_of(ct) for _ in range(2)]
    at_once(*(lambda pair=pair: upload(pair[0], *pair[1]) for pair in zip(clients, files, strict=True)))
    assert Instance.objects.count() == len(ct.paths)
    assert sum(row.stored_count for row in Upload.objects.all()) == len(ct.paths)
    assert sum(row.present_count for row in Upload.objects.all()) == len(ct.paths)
