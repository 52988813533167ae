"""WADO-RS: objects, metadata and bulk values (PS3.18 10.4)."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from apps.archives.models import Archive, Instance
from tests.archives.dicom_files import image, path_of, save
from tests.archives.dicomweb import Service, body_of, parts_of, place, stored
from tests.dicom import WrittenSeries

EXPLICIT, JPEG_2000 = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"


def test_a_study_a_series_and_an_instance_come_back_bit_exact(service: Service, series: WrittenSeries) -> None:
    files = sorted(path.read_bytes() for path in series.paths)
    for path in (f"studies/{series.study_instance_uid}", place(series)):
        response = service.get(path)
        assert response["Content-Type"].startswith('multipart/related; type="application/dicom"; boundary=')
        parts = parts_of(response)
        assert {kind for kind, _ in parts} == {f"application/dicom; transfer-syntax={EXPLICIT}"}
        assert sorted(body for _, body in parts) == files
    one = f"{place(series)}/instances/{series.sop_instance_uids[1]}"
    assert parts_of(service.get(one))[0][1] == series.paths[1].read_bytes()
    alone = service.get(one, "application/dicom")
    assert alone["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert body_of(alone) == series.paths[1].read_bytes()


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ('multipart/related; type="application/dicom"; transfer-syntax=*', 200),
        (f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}', 200),
        (f'multipart/related; type="application/dicom"; transfer-syntax={JPEG_2000}', 406),
        ("application/dicom", 406),
        ("image/png", 406),
        ('multipart/related; type="image/jpeg", */*;q=0.1', 200),
        ("*/*;q=0", 406),
    ],
)
def test_objects_are_given_as_they_are_stored_or_not_at_all(
    service: Service, series: WrittenSeries, accept: str, status: int
) -> None:
    assert service.get(place(series), accept).status_code == status


def test_what_is_not_there_is_404(service: Service, series: WrittenSeries) -> None:
    study, other = series.study_instance_uid, "1.2.3"
    instance = f"{place(series)}/instances/{series.sop_instance_uids[0]}"
    missing = (
        f"studies/{other}", f"studies/{study}/series/{other}", f"{place(series)}/instances/{other}",
        f"studies/{other}/series/{series.series_instance_uid}/instances/{series.sop_instance_uids[0]}",
        f"{instance}/frames/2", f"{instance}/frames/0", f"{instance}/frames/1,2", f"{instance}/frames/2/rendered",
        f"{instance}/bulkdata/00100010", "studies/..", f"{instance}/frames/1.5", f"{instance}/bulkdata/../x",
    )  # fmt: skip
    for path in missing:
        assert service.get(path).status_code == 404, path


def test_metadata_reads_as_data_sets_at_every_level(service: Service, series: WrittenSeries) -> None:
    instance = f"{place(series)}/instances/{series.sop_instance_uids[2]}"
    for path, count in ((f"studies/{series.study_instance_uid}", 3), (place(series), 3), (instance, 1)):
        response = service.get(f"{path}/metadata")
        assert response["Content-Type"] == "application/dicom+json"
        datasets = [Dataset.from_json(one, lambda *_: b"") for one in json.loads(body_of(response))]
        assert len(datasets) == count
        assert [one.InstanceNumber for one in datasets] == sorted(one.InstanceNumber for one in datasets)
        assert {str(one.PatientName) for one in datasets} == {"Phantom^Test"}
    assert service.get(f"{instance}/metadata", 'multipart/related; type="application/dicom+xml"').status_code == 406


def test_metadata_is_not_sent_again_until_it_changes(service: Service, series: WrittenSeries, tmp_path: Path) -> None:
    address = f"{service.root}/{place(series)}/metadata"
    etag = service.get(f"{place(series)}/metadata")["ETag"]

    def again() -> int:
        return service.client.get(address, headers={**service.headers, "If-None-Match": etag}).status_code

    assert again() == 304
    dataset = pydicom.dcmread(series.paths[0])
    dataset.SOPInstanceUID = "1.2.3.4"
    service.store_files([save(dataset, tmp_path / "more.dcm")])
    assert again() == 200


def test_bulk_values_are_where_metadata_says(service: Service, series: WrittenSeries) -> None:
    instance = f"{place(series)}/instances/{series.sop_instance_uids[0]}"
    found = json.loads(body_of(service.get(f"{instance}/metadata")))[0]
    address = found["7FE00010"]["BulkDataURI"]
    assert address.startswith("http://testserver/")
    response = service.client.get(address.removeprefix("http://testserver"), headers=service.headers)
    pixels = pydicom.dcmread(series.paths[0]).PixelData
    assert parts_of(response) == [("application/octet-stream", pixels)]
    alone = service.get(f"{instance}/bulkdata/7FE00010", "application/octet-stream")
    assert body_of(alone) == pixels


def test_bulk_values_of_a_deflated_file_are_inflated(service: Service, tmp_path: Path) -> None:
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    path = save(image(pixels), tmp_path / "deflated.dcm", DeflatedExplicitVRLittleEndian)
    where = stored(service, path)
    assert parts_of(service.get(f"{where}/bulkdata/7FE00010"))[0][1] == pixels.tobytes()
    assert parts_of(service.get(f"{where}/frames/1"))[0][1] == pixels.tobytes()


def test_head_says_how_much_there_is(service: Service, series: WrittenSeries) -> None:
    for path in (place(series), f"{place(series)}/instances/{series.sop_instance_uids[0]}/frames/1"):
        response = service.client.head(f"{service.root}/{path}", headers=service.headers)
        assert response.status_code == 200
        assert int(response["Content-Length"]) == len(body_of(service.get(path)))


@pytest.mark.faults
def test_a_lost_file_is_said_and_logged(service: Service, series: WrittenSeries, archive: Archive) -> None:
    instance = Instance.objects.select_related("series__study").get(sop_instance_uid=series.sop_instance_uids[0])
    path_of(instance).write_bytes(b"short")
    where = f"{place(series)}/instances/{instance.sop_instance_uid}"
    for path in (where, f"{where}/frames/1", f"{where}/rendered", f"{where}/bulkdata/7FE00010", place(series)):
        response = service.get(path)
        assert response.status_code == 410, path
        assert "lost" in response.json()["detail"]
    assert service.get(f"{where}/metadata").status_code == 200
