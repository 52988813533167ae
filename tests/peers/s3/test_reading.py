"""The real dicomweb-client on an exported bucket behind nginx with the rules that are shipped, and no credentials."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import RLELossless
from pytest_django.fixtures import Settings

from tests.archives.dicom_files import packaged, save
from tests.archives.dicomweb import Service, place, stored
from tests.archives.static_export.site import WHOLE_TYPE
from tests.archives.test_archive_command import run
from tests.dicom import WrittenSeries
from tests.documented import adapted, pasted
from tests.peers.nginx import running_site
from tests.peers.s3 import S3, open_to_all
from tests.peers.starting import throwaway_folder
from tests.portal import REPOSITORY, free_port

pytestmark = [pytest.mark.peers, pytest.mark.django_db]


@dataclass(frozen=True)
class Bucket:
    """A bucket with all images of the project, and where nginx serves it."""

    name: str
    folder: Path
    client: DICOMwebClient

    @property
    def url(self) -> str:
        address: str = self.client.base_url
        return address

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(f"{self.url}/{path}", timeout=5, **options)


@pytest.fixture
def two_frames(service: Service, tmp_path: Path) -> str:
    """The place of a compressed object, whose UIDs are short for this server."""
    data_set = pydicom.dcmread(packaged("SC_rgb_rle_2frame.dcm"))
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID = "2.25.91", "2.25.92", "2.25.93"
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    return stored(service, save(data_set, tmp_path / "two.dcm", RLELossless))


@pytest.fixture
def bucket(service: Service, series: WrittenSeries, two_frames: str, s3: S3, settings: Settings) -> Iterator[Bucket]:
    settings.S3_ENDPOINT, settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = s3.url, s3.access_key, s3.secret_key
    name, port = s3.make_bucket(f"b-{uuid.uuid4().hex}"), free_port()
    url = f"http://127.0.0.1:{port}"
    assert run("export", "cardiac-mr", f"s3+files://{name}/heart", "--url", url)[1] == ""
    with throwaway_folder() as folder, open_to_all(s3) as buckets:
        (documented,) = pasted(__file__)
        here = {
            "127.0.0.1:8085": f"127.0.0.1:{port}",
            "http://127.0.0.1:9000/images/cardiac-mr": f"{buckets}/{name}/heart",
            "/opt/maia": str(REPOSITORY),
        }
        (folder / "maia.conf").write_text(adapted(documented, here))
        with running_site(folder, port):
            yield Bucket(name, s3.folder / name, DICOMwebClient(url))


def test_it_searches_and_chooses_series(service: Service, series: WrittenSeries, bucket: Bucket) -> None:
    client, study = bucket.client, series.study_instance_uid
    assert _uids(client.search_for_studies(), "0020000D") == _uids(service.search("studies"), "0020000D")
    assert _uids(client.search_for_series(), "0020000E") == _uids(service.search("series"), "0020000E")
    assert len(client.search_for_instances(study, series.series_instance_uid)) == 3
    (found,) = client.search_for_series(search_filters={"SeriesInstanceUID": series.series_instance_uid})
    assert found["00081190"]["Value"] == [f"{bucket.url}/{place(series)}"]
    assert _uids(client.search_for_series(search_filters={"Modality": "CT"}), "0020000E") == [
        series.series_instance_uid
    ]
    assert client.search_for_series(search_filters={"Modality": "SEG"}) == []
    assert client.search_for_series(search_filters={"SeriesInstanceUID": "1.2.3"}) == []
    (bucket.folder / "heart" / "series.json.gz").unlink()
    assert bucket.get("series").status_code == 404  # no list is not a list of nothing


def test_it_reads_metadata_objects_frames_and_bulk_values(series: WrittenSeries, bucket: Bucket) -> None:
    uids = series.study_instance_uid, series.series_instance_uid
    metadata = bucket.client.retrieve_series_metadata(*uids)
    assert [one["00080018"]["Value"][0] for one in metadata] == list(series.sop_instance_uids)
    for uid, source in zip(series.sop_instance_uids, series.paths, strict=True):
        original = pydicom.dcmread(source)
        assert bucket.client.retrieve_instance(*uids, uid) == original
        (frame,) = bucket.client.retrieve_instance_frames(*uids, uid, [1])
        assert frame == original.PixelData
    (value,) = bucket.client.retrieve_bulkdata(metadata[0]["7FE00010"]["BulkDataURI"])
    assert value == pydicom.dcmread(series.paths[0]).PixelData


def test_encapsulated_frames_say_what_they_are(two_frames: str, bucket: Bucket) -> None:
    answer = bucket.get(f"{two_frames}/frames/2")
    assert answer.headers["Content-Type"] == WHOLE_TYPE.replace("application/dicom", "image/dicom-rle")
    assert b"transfer-syntax=1.2.840.10008.1.2.5" in answer.content.partition(b"\r\n\r\n")[0]
    assert bucket.get(two_frames).headers["Content-Type"] == WHOLE_TYPE
    thumbnail = bucket.get(f"{two_frames.partition('/instances/')[0]}/thumbnail")
    assert thumbnail.headers["Content-Type"] == "image/jpeg"


def test_lists_are_packed_unless_a_client_cannot_take_that(bucket: Bucket) -> None:
    packed, plain = bucket.get("studies?limit=1"), bucket.get("studies", headers={"Accept-Encoding": "identity"})
    assert (packed.headers["Content-Encoding"], packed.headers["Content-Type"]) == ("gzip", "application/dicom+json")
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == packed.json()


@pytest.mark.attacks
def test_nothing_else_is_served_and_nothing_written(series: WrittenSeries, bucket: Bucket) -> None:
    for path in ("", ".export/notes/level-archive", "studies/", "studies.json.gz", "studies/1.2.3/metadata"):
        answer = bucket.get(path)
        assert (answer.status_code, bucket.name in answer.text) == (404, False), path
    every = bucket.get("series").json()
    for odd in ("Modality=../../.export/notes/level-archive%23", "Modality=C*", "SeriesInstanceUID=..%2F..", "limit=1"):
        assert bucket.get(f"series?{odd}").json() == every, odd
    before = {path for path in bucket.folder.rglob("*") if path.is_file()}
    for method in ("PUT", "POST", "DELETE"):
        for path in ("studies", "series", place(series)):
            assert requests.request(method, f"{bucket.url}/{path}", data=b"x", timeout=5).status_code == 405
    assert {path for path in bucket.folder.rglob("*") if path.is_file()} == before


def _uids(found: list[dict[str, Any]], tag: str) -> list[str]:
    return [one[tag]["Value"][0] for one in found]
