"""A listed device sends to the project that it calls; what is acknowledged is there, and nobody else gets in."""

import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pynetdicom.dsutils import encode

from apps.accounts.models import User
from apps.archives import intake
from apps.archives.devices import Device, list_devices
from apps.archives.models import Archive, Instance, Study
from apps.archives.services import IncomingFile, ensure_archive, store_files
from apps.archives.verification import unindexed_files, verify
from apps.audit.models import Entry
from apps.integrations.dimse.port import NOT_AUTHORISED, OUT_OF_RESOURCES
from apps.projects.lifecycle import suspend
from apps.projects.models import Project
from tests.archives.dicom_files import changed
from tests.archives.dimse.conftest import LOOPBACK, association, send
from tests.dicom import WrittenSeries, ct_series

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "source", slices=3)


def statuses(port: int, *paths: Path, **titles: str) -> list[int]:
    return [int(status.Status) for status in send(port, *paths, **titles)]


def test_what_is_sent_is_in_the_archive_and_audited(port: int, listed: Archive, series: WrittenSeries) -> None:
    assert statuses(port, *series.paths) == [0, 0, 0]
    stored = Instance.objects.filter(archive=listed).order_by("instance_number")
    assert [one.sop_instance_uid for one in stored] == list(series.sop_instance_uids)
    assert list(verify(listed)) == []
    arrivals = Entry.objects.filter(action="images.arrived")
    assert sum(entry.detail["instances"] for entry in arrivals) == 3
    entry = arrivals[0]
    assert (entry.actor_pk, entry.project_pk, entry.subject_pk) == (None, listed.project_id, Study.objects.get().pk)
    known = {"origin": "DicomProtocol", "calling_ae_title": "SCANNER", "remote_ip": LOOPBACK}
    assert entry.detail == {**known, "instances": 1, "study_instance_uid": series.study_instance_uid}


def test_sent_twice_is_there_once(port: int, listed: Archive, series: WrittenSeries) -> None:
    assert statuses(port, *series.paths, *series.paths) == [0] * 6
    assert Instance.objects.count() == 3


def test_what_came_by_upload_is_there_already_whatever_its_header(
    port: int, listed: Archive, series: WrittenSeries, alice: User
) -> None:
    store_files(listed, [IncomingFile(path) for path in series.paths], by=alice)
    assert statuses(port, *series.paths) == [0, 0, 0]
    assert Instance.objects.count() == 3
    assert unindexed_files(listed) == []


def test_another_object_by_the_same_name_is_refused(
    port: int, listed: Archive, series: WrittenSeries, tmp_path: Path
) -> None:
    other = changed(series.paths[0], tmp_path / "other.dcm", SeriesDescription="Other")
    (stored, refused) = send(port, series.paths[0], other)
    assert (stored.Status, refused.Status) == (0, 0x0111)
    assert refused.ErrorComment.startswith("The archive holds another object")
    assert unindexed_files(listed) == []


def test_a_study_of_another_patient_is_refused_and_the_rest_goes_on(
    port: int, listed: Archive, series: WrittenSeries, tmp_path: Path
) -> None:
    other = changed(series.paths[1], tmp_path / "other.dcm", PatientID="OTHER")
    assert statuses(port, series.paths[0], other, series.paths[2]) == [0, 0xA900, 0]
    assert Instance.objects.count() == 2


@pytest.mark.attacks
def test_an_object_that_is_another_than_the_request_says(
    port: int, listed: Archive, series: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, forged = dcmread(series.paths[0]), dcmread(series.paths[1])
    monkeypatch.setattr("pynetdicom.association.encode", lambda _, *args: encode(forged, *args))
    (status,) = send(port, said)
    assert (status.Status, status.ErrorComment) == (0xA900, "The object is another than the request says.")
    assert not Instance.objects.exists()


@pytest.mark.parametrize(
    ("called", "calling"), [("CARDIACMR", "STRANGER"), ("OTHER", "SCANNER"), ("", "SCANNER"), ("CARDIACMR", "' OR 1")]
)
def test_only_listed_titles_get_in(port: int, listed: Archive, called: str, calling: str) -> None:
    with association(port, called or "X", calling) as asked:
        assert asked.is_rejected


def test_only_from_the_listed_address(port: int, listed: Archive, admin: User, project: Project) -> None:
    list_devices(project, [Device("SCANNER", "10.1.2.3"), Device("OTHER", LOOPBACK)], by=admin.pk)
    with association(port) as asked:
        assert asked.is_rejected
    with association(port, "cardiacmr", "other") as asked:
        assert asked.is_established


def test_a_device_sends_to_the_project_that_it_calls(
    port: int, listed: Archive, make_project: Any, admin: User, series: WrittenSeries
) -> None:
    second = ensure_archive(make_project("second"))
    with association(port, "SECOND") as asked:
        assert asked.is_rejected
    list_devices(second.project, [Device("SCANNER", LOOPBACK)], by=admin.pk)
    assert statuses(port, series.paths[0], called="SECOND") == [0]
    assert Instance.objects.get().archive == second


def test_a_suspended_project_takes_nothing_of_an_association_that_is_open_either(
    port: int, listed: Archive, admin: User, series: WrittenSeries
) -> None:
    with association(port) as asked:
        assert asked.send_c_store(dcmread(series.paths[0])).Status == 0
        suspend(listed.project, by=admin, why="Pause")
        assert asked.send_c_store(dcmread(series.paths[1])).Status == NOT_AUTHORISED
    with association(port) as asked:
        assert asked.is_rejected
    assert Instance.objects.count() == 1


def test_a_device_that_is_taken_off_the_list_is_heard_no_more(
    port: int, listed: Archive, admin: User, series: WrittenSeries
) -> None:
    with association(port) as asked:
        list_devices(listed.project, [], by=admin.pk)
        assert asked.send_c_store(dcmread(series.paths[0])).Status == NOT_AUTHORISED
    assert not Instance.objects.exists()


@pytest.mark.attacks
def test_what_cannot_be_filed_is_refused_with_a_sentence(port: int, listed: Archive, series: WrittenSeries) -> None:
    image = dcmread(series.paths[0])
    del image.StudyInstanceUID
    (status,) = send(port, image)
    assert status.Status == 0xC000
    assert status.ErrorComment.startswith("The file has no StudyInstanceUID")


@pytest.mark.faults
def test_a_full_disk_acknowledges_nothing(
    port: int, listed: Archive, series: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "_hash_and_sync", full)
        assert statuses(port, series.paths[0]) == [OUT_OF_RESOURCES]
    assert not Instance.objects.exists()
    assert statuses(port, series.paths[0]) == [0]


@pytest.mark.race
def test_many_associations_at_once_lose_nothing(port: int, listed: Archive, tmp_path: Path) -> None:
    written = [ct_series(tmp_path / str(number), slices=5, seed="race", series_name=str(number)) for number in range(6)]
    found: list[int] = []
    threads = [threading.Thread(target=lambda one=one: found.extend(statuses(port, *one.paths))) for one in written]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0] * 30
    assert Instance.objects.count() == 30
    assert Study.objects.get().instance_count == 30
    assert list(verify(listed)) == []
