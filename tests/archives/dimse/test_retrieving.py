"""A device that may retrieve finds as by QIDO-RS, and gets objects as they were stored."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind as Find,
)
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet as Get,
)

from apps.accounts.models import User
from apps.archives.devices import Device, list_devices
from apps.archives.dicomweb import search as searching
from apps.archives.models import Archive, Study
from apps.archives.services import IncomingFile, store_files
from apps.audit.models import Entry
from apps.integrations.dimse.port import DOES_NOT_MATCH, NOT_AUTHORISED
from apps.integrations.dimse.spool import spool_of
from tests.archives.dicom_files import save
from tests.archives.dimse.conftest import LOOPBACK
from tests.dicom import WrittenSeries, ct_series

pytestmark = pytest.mark.django_db(transaction=True)
Got = dict[str, bytes]


@pytest.fixture
def series(archive: Archive, alice: User, admin: User, tmp_path: Path) -> WrittenSeries:
    """Stored by alice; SCANNER may retrieve."""
    written = ct_series(tmp_path / "source", slices=3, patient_name="Müller^Jörg")
    store_files(archive, [IncomingFile(path) for path in written.paths], by=alice)
    list_devices(archive.project, [Device("SCANNER", LOOPBACK, may_retrieve=True)], by=admin.pk)
    return written


@pytest.fixture
def device(port: int, series: WrittenSeries) -> Iterator[Association]:
    entity = AE(ae_title="SCANNER")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
    for service in (Find, Get):
        entity.add_requested_context(service)
    entity.add_requested_context(CTImageStorage, [ExplicitVRLittleEndian])
    got: Got = {}

    def keep(event: evt.Event) -> int:
        got[str(event.request.AffectedSOPInstanceUID)] = Path(spool_of(event.request).name).read_bytes()
        return 0

    roles = [build_role(CTImageStorage, scp_role=True)]
    asked = entity.associate(
        LOOPBACK, port, ae_title="CARDIACMR", ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, keep)]
    )
    assert asked.is_established
    asked.got = got
    yield asked
    asked.release()


def data_set(content: bytes) -> bytes:
    """Of a Part 10 file, what follows its header."""
    return content[144 + int.from_bytes(content[140:144], "little") :]


def identifier(level: str, **keys: object) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    return asked


def found(device: Association, level: str, **keys: object) -> list[Dataset]:
    """What matches; the last response must be success."""
    responses = list(device.send_c_find(identifier(level, **keys), Find))
    assert responses[-1][0].Status == 0, responses[-1][0]
    return [match for _, match in responses[:-1] if match is not None]


def test_studies_are_found_by_their_keys(device: Association, series: WrittenSeries) -> None:
    for keys in ({"PatientID": "TEST-1"}, {"PatientID": "TEST*"}, {"PatientName": "müller*"}, {"PatientID": ""}):
        (match,) = found(device, "STUDY", StudyInstanceUID="", NumberOfStudyRelatedInstances="", **keys)
        assert match.StudyInstanceUID == series.study_instance_uid
        assert match.NumberOfStudyRelatedInstances == 3
        assert (match.QueryRetrieveLevel, match.RetrieveAETitle) == ("STUDY", "CARDIACMR")
    assert found(device, "STUDY", PatientID="OTHER") == []


def test_names_come_in_their_own_characters(device: Association) -> None:
    (match,) = found(device, "STUDY", PatientName="", AdmissionID="")
    match.decode()
    assert str(match.PatientName) == "Müller^Jörg"
    assert match["AdmissionID"].is_empty


def test_series_and_images_are_found_below_their_study(device: Association, series: WrittenSeries) -> None:
    (one,) = found(device, "SERIES", StudyInstanceUID=series.study_instance_uid, SeriesInstanceUID="", Modality="CT")
    assert (one.SeriesInstanceUID, one.Modality) == (series.series_instance_uid, "CT")
    keys = {"StudyInstanceUID": series.study_instance_uid, "SeriesInstanceUID": series.series_instance_uid}
    images = found(device, "IMAGE", **keys, SOPInstanceUID="", InstanceNumber="", Rows=None, PixelSpacing="")
    assert [image.SOPInstanceUID for image in images] == list(series.sop_instance_uids)
    assert [image.InstanceNumber for image in images] == [1, 2, 3]
    assert images[0].Rows == 16


def test_more_than_one_answer_may_have_come_in_pages(
    device: Association, series: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MAX_RESULTS", 2)
    images = found(device, "IMAGE", StudyInstanceUID=series.study_instance_uid, SOPInstanceUID="")
    assert [image.SOPInstanceUID for image in images] == list(series.sop_instance_uids)


@pytest.mark.attacks
@pytest.mark.parametrize(
    ("level", "keys"),
    [("PATIENT", {}), ("", {}), ("STUDY", {"StudyDate": "yesterday"}), ("STUDY", {"PatientID": "a" * 5000})],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_be_answered_says_why(device: Association, level: str, keys: dict[str, Any]) -> None:
    ((status, match),) = list(device.send_c_find(identifier(level, **keys), Find))
    assert (status.Status, match) == (DOES_NOT_MATCH, None)
    assert status.ErrorComment


def test_a_study_is_fetched_as_it_was_stored_and_audited(
    device: Association, series: WrittenSeries, archive: Archive
) -> None:
    asked = identifier("STUDY", StudyInstanceUID=series.study_instance_uid)
    *_, (status, _) = device.send_c_get(asked, Get)
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0, 3)
    assert set(device.got) == set(series.sop_instance_uids)
    for path, uid in zip(series.paths, series.sop_instance_uids, strict=True):
        assert data_set(device.got[uid]) == data_set(path.read_bytes())
    entry = Entry.objects.get(action="images.exported")
    assert (entry.actor_pk, entry.project_pk, entry.subject_pk) == (None, archive.project_id, Study.objects.get().pk)
    assert (entry.detail["instances"], entry.detail["calling_ae_title"]) == (3, "SCANNER")


def test_searches_are_audited_once_an_hour_and_studies_that_are_opened(
    device: Association, series: WrittenSeries, archive: Archive
) -> None:
    for _ in range(2):
        found(device, "STUDY", PatientID="")
        found(device, "IMAGE", StudyInstanceUID=series.study_instance_uid, RetrieveAETitle="", Rows=None)
    (entry,) = Entry.objects.filter(action__in=("images.searched", "images.viewed"))
    assert (entry.action, entry.actor_pk, entry.subject_pk) == ("images.searched", None, archive.pk)
    assert entry.detail["calling_ae_title"] == "SCANNER"
    for _ in range(2):
        found(device, "IMAGE", StudyInstanceUID=series.study_instance_uid, KVP=None)
    (entry,) = Entry.objects.filter(action="images.viewed")
    assert (entry.actor_pk, entry.detail["study_instance_uid"]) == (None, series.study_instance_uid)
    assert Entry.objects.filter(action="images.searched").count() == 1


def test_one_image_or_none(device: Association, series: WrittenSeries) -> None:
    names = {"StudyInstanceUID": series.study_instance_uid, "SeriesInstanceUID": series.series_instance_uid}
    uid = series.sop_instance_uids[1]
    *_, (status, _) = device.send_c_get(identifier("IMAGE", **names, SOPInstanceUID=uid), Get)
    assert (status.Status, list(device.got)) == (0, [uid])
    *_, (status, _) = device.send_c_get(identifier("IMAGE", **names, SOPInstanceUID="1.2.3"), Get)
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0, 0)
    ((status, _),) = list(device.send_c_get(identifier("STUDY", PatientID="TEST-1"), Get))
    assert status.Status == DOES_NOT_MATCH


def test_a_device_that_may_only_send_finds_and_fetches_nothing(
    device: Association, series: WrittenSeries, archive: Archive, admin: User
) -> None:
    list_devices(archive.project, [Device("SCANNER", LOOPBACK)], by=admin.pk)
    ((status, _),) = list(device.send_c_find(identifier("STUDY", PatientID=""), Find))
    assert status.Status == NOT_AUTHORISED
    asked = identifier("STUDY", StudyInstanceUID=series.study_instance_uid)
    ((status, _),) = list(device.send_c_get(asked, Get))
    assert status.Status == NOT_AUTHORISED
    assert device.got == {}
    assert not Entry.objects.filter(action="images.exported").exists()


def test_an_object_in_another_syntax_than_the_device_takes_is_written_anew(
    device: Association, series: WrittenSeries, archive: Archive, alice: User, tmp_path: Path
) -> None:
    image = dcmread(series.paths[0])
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    store_files(archive, [IncomingFile(save(image, tmp_path / "implicit.dcm", ImplicitVRLittleEndian))], by=alice)
    asked = identifier("STUDY", StudyInstanceUID=series.study_instance_uid)
    *_, (status, _) = device.send_c_get(asked, Get)
    assert (status.Status, status.NumberOfCompletedSuboperations) == (0, 4)
    got = dcmread(BytesIO(device.got["1.2.3.4"]))
    assert got.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert got.PixelData == image.PixelData
    assert got.to_json_dict() == image.to_json_dict()


@pytest.mark.faults
def test_an_object_that_was_lost_is_a_failure_and_the_rest_of_the_portal_goes_on(
    device: Association, series: WrittenSeries, settings: Any
) -> None:
    lost = next(Path(settings.ARCHIVES_DIR).rglob("*.dcm"))
    lost.unlink()
    asked = identifier("STUDY", StudyInstanceUID=series.study_instance_uid)
    *_, (status, _) = device.send_c_get(asked, Get)
    done, failed = status.NumberOfCompletedSuboperations, status.NumberOfFailedSuboperations
    assert (status.Status, done, failed) == (0xB000, 2, 1)
    assert len(found(device, "STUDY", PatientID="")) == 1
