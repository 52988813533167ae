"""The same questions to the portal and to the Orthanc behind it: DICOMweb clients get the same images from both."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zipfile import ZipFile

import pytest
import requests

from apps.archives.models import Archive, Instance
from tests.archives.dicom_files import changed, packaged
from tests.archives.dicomweb import Service, body_of, parts_of, values
from tests.archives.sides import Remote
from tests.dicom import ct_series
from tests.peers.orthanc import Orthanc

pytestmark = [pytest.mark.peers, pytest.mark.django_db(transaction=True)]
UNIQUE = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}
FILES = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "rtplan.dcm", "SC_rgb_rle_2frame.dcm")
CT = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
Ask = Callable[..., requests.Response]


@pytest.fixture
def archive(remote: Remote) -> Archive:
    return remote.archive


@pytest.fixture
def stocked(service: Service, tmp_path: Path) -> Service:
    """Objects of several kinds, and one whose values are of more than ASCII."""
    series = ct_series(tmp_path / "source", slices=3)
    other = changed(
        packaged("CT_small.dcm"), tmp_path / "other.dcm", PatientID="P*1", PatientName="Öberg^Åsa",
        StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.3", SOPInstanceUID="1.2.9.1", StudyDate="20240229",
        SpecificCharacterSet="ISO_IR 192",
    )  # fmt: skip
    service.store_files([*series.paths, *map(packaged, FILES), other])
    return service


@pytest.fixture
def ask(own_orthanc: Orthanc) -> Ask:
    """Orthanc itself, by its own DICOMweb."""

    def get(path: str, accept: str = "application/dicom+json", **query: Any) -> requests.Response:
        # This Orthanc does not decode what need not have been encoded.
        text = urlencode(query, safe="*?^")
        return requests.get(
            f"{own_orthanc.url}/{path}?{text}", auth=own_orthanc.credentials, headers={"Accept": accept}, timeout=30
        )

    return get


@pytest.mark.parametrize(
    ("level", "query"),
    [
        ("studies", {}),
        ("series", {}),
        ("instances", {}),
        ("studies", {"PatientID": "1CT1"}),
        ("studies", {"PatientID": "?CT1"}),
        ("studies", {"PatientName": "CompressedSamples*"}),
        ("studies", {"StudyDate": "20040101-20041231"}),
        ("studies", {"StudyDate": "20240101-"}),
        ("studies", {"StudyDate": "-20040119"}),
        ("studies", {"StudyInstanceUID": f"1.2.9,{CT}"}),
        ("studies", {"ModalitiesInStudy": "CT"}),
        ("series", {"Modality": "MR"}),
        ("series", {"Modality": "RT*"}),
        ("instances", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}),
        ("instances", {"InstanceNumber": "2"}),
    ],
)
def test_searches_find_the_same(stocked: Service, ask: Ask, level: str, query: dict[str, str]) -> None:
    unique = UNIQUE[level]
    theirs = {values(one, unique)[0] for one in ask(f"dicom-web/{level}", **query).json()}
    assert {values(one, unique)[0] for one in stocked.search(level, **query)} == theirs


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # PS3.4 C.2.2.2.1: letters of names match in any case, those of other attributes in their own.
        ({"PatientID": "1ct1"}, set()),
        ({"PatientName": "compressedsamples^ct1"}, {CT}),
        ({"PatientName": "öberg*"}, {"1.2.9"}),
    ],
)
def test_searches_follow_the_standard_where_this_orthanc_does_not(
    stocked: Service, ask: Ask, query: dict[str, str], expected: set[str]
) -> None:
    assert {values(one, UNIQUE["studies"])[0] for one in stocked.search("studies", **query)} == expected
    theirs = ask("dicom-web/studies", **query)
    assert not theirs.ok or {values(one, UNIQUE["studies"])[0] for one in theirs.json()} != expected


def test_objects_frames_and_zips_are_the_same(stocked: Service, ask: Ask) -> None:
    for instance in Instance.objects.select_related("series__study"):
        series = instance.series
        study, uid = series.study.study_instance_uid, instance.sop_instance_uid
        place = f"studies/{study}/series/{series.series_instance_uid}/instances/{uid}"
        target = {
            "requestType": "WADO", "studyUID": study, "seriesUID": series.series_instance_uid, "objectUID": uid,
            "contentType": "application/dicom",
        }  # fmt: skip
        theirs = ask(f"instances/{instance.remote_name}/file", "*/*").content
        assert body_of(stocked.get("", **target)) == theirs
        assert parts_of(stocked.get(place))[0][1] == theirs
        with ZipFile(io.BytesIO(body_of(stocked.get(place, "application/zip")))) as archive:
            assert [archive.read(name) for name in archive.namelist()] == [theirs]
        if instance.number_of_frames and instance.transfer_syntax_uid == "1.2.840.10008.1.2.1":
            answer = ask(f"dicom-web/{place}/frames/1", 'multipart/related; type="application/octet-stream"')
            assert parts_of(stocked.get(f"{place}/frames/1"))[0][1] in answer.content
