"""QIDO-RS: what is found, what of it is returned, and how much (PS3.18 10.6)."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.archives.dicomweb import search
from apps.archives.models import Archive
from apps.archives.services import IncomingFile, store_files
from tests.archives.dicom_files import changed, packaged
from tests.archives.dicomweb import Service, values
from tests.dicom import ct_series


def store(archive: Archive, by: User, folder: Path, **attributes: Any) -> None:
    """One instance with other attributes, in a study of its own unless they say otherwise."""
    folder.mkdir()
    series = ct_series(folder, slices=1)
    path = changed(series.paths[0], folder / "changed.dcm", **attributes)
    result = store_files(archive, [IncomingFile(path)], by=by)[0]
    assert not result.is_refused, result.sentence


@pytest.fixture
def stocked(archive: Archive, alice: User, service: Service, tmp_path: Path) -> Service:
    people: tuple[dict[str, Any], ...] = (
        {
            "PatientName": "Doe^Jane=ドウ^ジェーン", "PatientID": "J-1", "StudyDate": "20240115",
            "StudyTime": "101530.25", "StudyDescription": "Head 50% dose", "AccessionNumber": "A100", "Modality": "CT",
            "BodyPartExamined": "HEAD", "SpecificCharacterSet": "ISO_IR 192", "ImageType": ["ORIGINAL", "PRIMARY"],
        },
        {
            "PatientName": "Doe^John", "PatientID": "J_2", "StudyDate": "20240220", "StudyTime": "0830",
            "StudyDescription": "Knee", "AccessionNumber": "A1001", "Modality": "MR", "BodyPartExamined": "KNEE",
        },
        {
            "PatientName": "Öberg^Åsa", "PatientID": "J*3", "StudyDate": "", "StudyTime": "",
            "StudyDescription": "[x] *", "AccessionNumber": "", "Modality": "SEG", "SpecificCharacterSet": "ISO_IR 192",
        },
    )  # fmt: skip
    for number, attributes in enumerate(people):
        store(archive, alice, tmp_path / str(number), **attributes)
    return service


def found(service: Service, path: str = "studies", **query: Any) -> set[str]:
    """PatientIDs of the studies that match."""
    return {values(study, "00100020")[0] for study in service.search(path, **query)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"J-1", "J_2", "J*3"}),
        ({"PatientID": "J-1"}, {"J-1"}),
        ({"00100020": "J-1"}, {"J-1"}),
        ({"PatientID": "j-1"}, set()),
        ({"PatientID": "J*"}, {"J-1", "J_2", "J*3"}),
        ({"PatientID": "J_?"}, {"J_2"}),
        ({"PatientID": "J?2"}, {"J_2"}),
        ({"PatientID": ""}, {"J-1", "J_2", "J*3"}),
        ({"PatientID": "*"}, {"J-1", "J_2", "J*3"}),
        ({"PatientName": "doe^jane"}, {"J-1"}),
        ({"PatientName": "Doe*"}, {"J-1", "J_2"}),
        ({"PatientName": "Doe^J*n"}, {"J_2"}),
        ({"PatientName": "ドウ*"}, {"J-1"}),
        ({"PatientName": "Öberg^Åsa"}, {"J*3"}),
        ({"PatientName": "öBERG^å*"}, {"J*3"}),
        ({"PatientName": "äberg*"}, set()),
        ({"PatientID": "j*"}, set()),
        ({"StudyDescription": "head*"}, set()),
        ({"ModalitiesInStudy": "mr"}, set()),
        ({"PatientName": "Doe^John^^"}, {"J_2"}),
        ({"StudyDescription": "Head 50% dose"}, {"J-1"}),
        ({"StudyDescription": "*50%*"}, {"J-1"}),
        ({"StudyDescription": "[x]*"}, {"J*3"}),
        ({"StudyDescription": "%"}, set()),
        ({"AccessionNumber": "A100"}, {"J-1"}),
        ({"AccessionNumber": "A100?"}, {"J_2"}),
        ({"StudyDate": "20240115"}, {"J-1"}),
        ({"StudyDate": "20240101-20240131"}, {"J-1"}),
        ({"StudyDate": "20240116-"}, {"J_2"}),
        ({"StudyDate": "-20240219"}, {"J-1"}),
        ({"StudyDate": "20240115-20240220"}, {"J-1", "J_2"}),
        ({"StudyTime": "1015"}, {"J-1"}),
        ({"StudyTime": "08-0930"}, {"J_2"}),
        ({"StudyTime": "-10"}, {"J-1", "J_2"}),
        ({"ModalitiesInStudy": "MR"}, {"J_2"}),
        ({"ModalitiesInStudy": "M"}, set()),
        ({"00080061": "S*"}, {"J*3"}),
        ({"PatientBirthDate": "19700101"}, {"J-1", "J_2", "J*3"}),
        ({"PatientBirthDate": "19700102-"}, set()),
        ({"PatientSex": "O", "PatientID": "J_2"}, {"J_2"}),
        ({"PatientSex": "?"}, {"J-1", "J_2", "J*3"}),
    ],
)
def test_studies_are_matched(stocked: Service, query: dict[str, str], expected: set[str]) -> None:
    assert found(stocked, **query) == expected


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("series", {"Modality": "MR"}, {"J_2"}),
        ("series", {"BodyPartExamined": "KN*"}, {"J_2"}),
        ("series", {"SeriesNumber": "1"}, {"J-1", "J_2", "J*3"}),
        ("series", {"SeriesNumber": "2"}, set()),
        ("series", {"PatientName": "Doe^Jane"}, {"J-1"}),
        ("instances", {"Modality": "SEG"}, {"J*3"}),
        ("instances", {"ImageType": "PRIMARY", "StudyDate": "20240101-20240131"}, {"J-1"}),
        ("instances", {"InstanceNumber": "1"}, {"J-1", "J_2", "J*3"}),
        ("instances", {"Rows": "16", "PixelSpacing": "1.0"}, {"J-1", "J_2", "J*3"}),
        ("instances", {"Rows": "17"}, set()),
    ],
)
def test_series_and_instances_are_matched(
    stocked: Service, path: str, query: dict[str, str], expected: set[str]
) -> None:
    assert found(stocked, path, **query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"emptyvaluematching": "true", "StudyDate": '""'}, {"J*3"}),
        ({"emptyvaluematching": "true", "AccessionNumber": '""'}, {"J*3"}),
        ({"emptyvaluematching": "true", "PatientSex": '""'}, set()),
        ({"emptyvaluematching": "true", "PatientComments": '""'}, {"J-1", "J_2", "J*3"}),
        ({"emptyvaluematching": "true", "PatientID": "J-1"}, {"J-1"}),
        ({"AccessionNumber": '""'}, set()),
        ({"multiplevaluematching": "true", "ModalitiesInStudy": "MR\\SEG"}, {"J_2", "J*3"}),
        ({"multiplevaluematching": "true", "PatientID": "J-1\\J?2"}, {"J-1", "J_2"}),
        ({"multiplevaluematching": "true", "StudyDate": "20240115\\20240201-"}, {"J-1", "J_2"}),
        ({"multiplevaluematching": "true", "PatientSex": "M\\O"}, {"J-1", "J_2", "J*3"}),
        ({"multiplevaluematching": "true", "PatientID": "J-1\\*"}, {"J-1", "J_2", "J*3"}),
        ({"multiplevaluematching": "true", "emptyvaluematching": "true", "StudyDate": '20240115\\""'}, {"J-1", "J*3"}),
        ({"multiplevaluematching": "false", "PatientID": "J-1"}, {"J-1"}),
    ],
)
def test_8_3_4_5_and_6_no_value_and_several(stocked: Service, query: dict[str, str], expected: set[str]) -> None:
    assert found(stocked, **query) == expected


def test_numbers_may_be_missing(stocked: Service, archive: Archive, alice: User, tmp_path: Path) -> None:
    store(archive, alice, tmp_path / "none", PatientID="N", SeriesNumber=None)
    assert found(stocked, "series", SeriesNumber='""', emptyvaluematching="true") == {"N"}


def test_lists_of_uids_are_matched(stocked: Service) -> None:
    uids = [values(study, "0020000D")[0] for study in stocked.search("studies")]
    for separator in (",", "\\"):
        assert len(stocked.search("studies", StudyInstanceUID=separator.join(uids[:2]))) == 2
    instances = stocked.search("instances")
    classes = {values(one, "00080016")[0] for one in instances}
    assert len(stocked.search("instances", SOPClassUID=",".join(classes))) == 3


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"PatientNam": "x"}, "PatientNam"),
        ({"PixelData": "x"}, "PixelData"),
        ({"StudyDate": "2024-01-01"}, "00080020"),
        ({"StudyDate": "-"}, "00080020"),
        ({"StudyTime": "x"}, "00080030"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"offset": "99999999999999999999"}, "offset"),
        ({"PatientID": ["a", "b"]}, "more than once"),
        ({"PatientID": "a\x00"}, "control"),
        ({"PatientID": "a" * 5000}, "too long"),
        ({"includefield": "NoSuchField"}, "NoSuchField"),
        ({"fuzzymatching": "maybe"}, "fuzzymatching"),
        ({"SeriesInstanceUID": "1"}, "SeriesInstanceUID"),
    ],
)
def test_what_cannot_be_understood_is_said(stocked: Service, query: dict[str, Any], word: str) -> None:
    response = stocked.get("studies", **query)
    assert response.status_code == 400
    assert word in response.json()["detail"]


def test_limit_and_offset_page_through(stocked: Service) -> None:
    whole = stocked.search("studies")
    assert [values(study, "00080020") for study in whole] == [["20240220"], ["20240115"], []]
    paged = [stocked.search("studies", limit=1, offset=offset) for offset in range(4)]
    assert paged == [[whole[0]], [whole[1]], [whole[2]], []]
    assert stocked.search("studies", limit=0) == []
    # The same where the database cannot test.
    assert stocked.search("studies", limit=1, offset=1, PatientSex="O") == [whole[1]]


def test_more_than_one_answer_may_have_is_said(stocked: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Warning" not in stocked.get("studies")
    monkeypatch.setattr(search, "MAX_RESULTS", 2)
    response = stocked.get("studies")
    assert len(response.json()) == 2
    service = "http://testserver/projects/cardiac-mr/dicomweb"
    assert response["Warning"] == f'299 {service} "There are 1 additional results that can be requested"'
    assert "There are 2 additional" in stocked.get("studies", limit=1)["Warning"]
    assert "There are 1 additional" in stocked.get("studies", limit=1, offset=1)["Warning"]
    assert "Warning" not in stocked.get("studies", limit=1, offset=2)
    # Where the database cannot test, they are not counted.
    assert "There are additional results" in stocked.get("studies", limit=1, PatientSex="O")["Warning"]


def test_fuzzy_matching_is_declined_with_a_warning(stocked: Service) -> None:
    response = stocked.get("studies", fuzzymatching="true", PatientID="J-1")
    assert len(response.json()) == 1
    assert "The fuzzymatching parameter is not supported." in response["Warning"]


def test_a_study_has_what_every_match_must_have(stocked: Service) -> None:
    study = stocked.search("studies", PatientID="J*3")[0]
    required = "00080020 00080030 00080050 00080056 00080061 00080090 00081190 00100010 00100020 00100030 00100040"
    assert set(required.split()) | {"0020000D", "00200010", "00201206", "00201208"} <= study.keys()
    assert list(study) == sorted(study)
    assert study["00080020"] == {"vr": "DA"}
    assert values(study, "00080061") == ["SEG"]
    assert values(study, "00100010") == [{"Alphabetic": "Öberg^Åsa"}]
    assert values(study, "00081190")[0].startswith("http://testserver/projects/cardiac-mr/dicomweb/studies/")


def test_levels_above_come_along_unless_the_address_has_them(stocked: Service) -> None:
    study = values(stocked.search("studies", PatientID="J-1")[0], "0020000D")[0]
    everywhere = stocked.search("series", PatientID="J-1")[0]
    inside = stocked.search(f"studies/{study}/series")[0]
    assert "00100010" in everywhere
    assert "00100010" not in inside
    assert values(inside, "0020000D") == [study]
    assert "00201209" in inside
    series = values(inside, "0020000E")[0]
    assert "00080060" in stocked.search(f"studies/{study}/instances")[0]
    instance = stocked.search(f"studies/{study}/series/{series}/instances")[0]
    assert {"00080060", "00100010"}.isdisjoint(instance)
    assert {"00080018", "0020000D", "0020000E", "00081190", "00280010"} <= instance.keys()
    assert list(instance) == sorted(instance)


def test_more_is_returned_when_it_is_asked_for(stocked: Service) -> None:
    study = values(stocked.search("studies", PatientID="J-1")[0], "0020000D")[0]
    series = stocked.search(f"studies/{study}/series", includefield="StudyDescription,00100010")[0]
    assert {"00081030", "00100010"} <= series.keys()
    assert "00080050" not in series
    place = f"studies/{study}/series/{values(series, '0020000E')[0]}/instances"
    asked = stocked.search(place, includefield=["RescaleIntercept", "PatientID"])[0]
    assert values(asked, "00281052") == [-1024]
    assert values(asked, "00100020") == ["J-1"]
    assert "00281053" not in asked
    everything = stocked.search(place, includefield="all")[0]
    assert {"00281053", "00100010", "00080060", "7FE00010"} <= everything.keys()
    assert everything["7FE00010"]["BulkDataURI"].startswith("http://testserver/projects/")


def test_only_dicom_json_is_spoken(stocked: Service) -> None:
    assert stocked.get("studies", "application/json")["Content-Type"] == "application/json"
    assert stocked.get("studies", "*/*")["Content-Type"] == "application/dicom+json"
    assert stocked.get("studies", "application/json;q=0.5, application/*")["Content-Type"] == "application/dicom+json"
    refused = stocked.get("studies", 'multipart/related; type="application/dicom+xml"')
    assert refused.status_code == 406
    assert "application/dicom+json" in refused.json()["detail"]
    assert stocked.get("studies?accept=application/json", "*/*")["Content-Type"] == "application/json"
    # PS3.18 8.7.8.1: what the address asks for in vain is asked of the header.
    assert stocked.get("studies?accept=text/csv", "application/json")["Content-Type"] == "application/json"
    assert stocked.get("studies?accept=text/csv").status_code == 406
    other = stocked.get("studies", "application/dicom+json;q=0, */*")
    assert other["Content-Type"] == "application/json"


def test_nothing_found_is_an_empty_list(service: Service) -> None:
    for path in ("studies", "series", "instances", "studies/1.2.3/series", "studies/1.2.3/series/4/instances"):
        assert service.search(path) == []


def test_a_series_without_images_of_its_own_is_searched_too(service: Service, tmp_path: Path) -> None:
    service.store_files([packaged("rtplan.dcm")])
    assert values(service.search("series")[0], "00080060") == ["RTPLAN"]


@pytest.mark.parametrize("path", ["studies", "series", "instances"])
def test_more_rows_cost_no_more_queries(
    service: Service, archive: Archive, alice: User, tmp_path: Path, path: str
) -> None:
    def stock(number: int) -> None:
        series = ct_series(tmp_path / str(number), slices=2, patient_id=f"P{number}")
        store_files(archive, [IncomingFile(one) for one in series.paths], by=alice)

    stock(0)
    service.search(path)
    with CaptureQueriesContext(connection) as few:
        service.search(path, includefield="all")
    for number in range(1, 11):
        stock(number)
    with CaptureQueriesContext(connection) as many:
        service.search(path, includefield="all")
    # Looking at objects is audited: a lock, the reads and their rows.
    assert len(many) == len(few) <= (13 if path == "instances" else 4)
