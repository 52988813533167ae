"""The real dicomweb-client library stores, searches and retrieves."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives.models import Archive
from tests.archives.dicom_files import packaged
from tests.dicom import WrittenSeries, ct_series
from tests.portal import ADMINISTRATOR, running_portal

pytestmark = pytest.mark.django_db(transaction=True)


def client_at(root: str, token: str, chunk_bytes: int) -> DICOMwebClient:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return DICOMwebClient(root, session=session, chunk_size=chunk_bytes)


@pytest.fixture
def web(live_server: LiveServer, archive: Archive, alice: User, settings: Settings) -> DICOMwebClient:
    # The library sends a Host without its port.
    settings.PUBLIC_URL = live_server.url
    token = make_token(alice, name="tests", days=1)[1]
    # The server of the tests knows no chunked bodies; the one of the portal does, see below.
    return client_at(f"{live_server.url}/projects/cardiac-mr/dicomweb", token, 1024**3)


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "source", slices=3)


@pytest.fixture
def stored(web: DICOMwebClient, series: WrittenSeries) -> tuple[str, str]:
    answer = web.store_instances([pydicom.dcmread(path) for path in series.paths])
    assert len(answer.ReferencedSOPSequence) == 3
    return series.study_instance_uid, series.series_instance_uid


def test_it_stores_and_finds(web: DICOMwebClient, stored: tuple[str, str], series: WrittenSeries) -> None:
    study = pydicom.Dataset.from_json(web.search_for_studies(search_filters={"PatientID": "TEST-*"})[0])
    assert (study.StudyInstanceUID, study.NumberOfStudyRelatedInstances) == (stored[0], 3)
    assert len(web.search_for_series(stored[0], search_filters={"Modality": "CT"})) == 1
    found = web.search_for_instances(*stored, limit=2, get_remaining=True)
    assert [one["00080018"]["Value"][0] for one in found] == list(series.sop_instance_uids)
    assert web.search_for_studies(fields=["StudyDescription"], fuzzymatching=True)


def test_it_retrieves_whole_objects(web: DICOMwebClient, stored: tuple[str, str], series: WrittenSeries) -> None:
    expected = {path.read_bytes() for path in series.paths}

    def written(datasets: list[pydicom.Dataset]) -> set[bytes]:
        return {_bytes(dataset) for dataset in datasets}

    assert written(web.retrieve_study(stored[0])) == expected
    assert written(web.retrieve_series(*stored)) == expected
    assert written(list(web.iter_series(*stored))) == expected
    one = web.retrieve_instance(*stored, series.sop_instance_uids[0], media_types=(("application/dicom", "*"),))
    assert _bytes(one) == series.paths[0].read_bytes()


def test_it_retrieves_metadata_and_bulk_values(
    web: DICOMwebClient, stored: tuple[str, str], series: WrittenSeries
) -> None:
    for metadata in (web.retrieve_study_metadata(stored[0]), web.retrieve_series_metadata(*stored)):
        assert {one["00080018"]["Value"][0] for one in metadata} == set(series.sop_instance_uids)
    one = web.retrieve_instance_metadata(*stored, series.sop_instance_uids[0])
    values = web.retrieve_bulkdata(one["7FE00010"]["BulkDataURI"])
    assert values == [pydicom.dcmread(series.paths[0]).PixelData]


def test_it_retrieves_frames(web: DICOMwebClient, stored: tuple[str, str], series: WrittenSeries) -> None:
    pixels = pydicom.dcmread(series.paths[1]).PixelData
    for media_types in (None, ("application/octet-stream",), (("application/octet-stream", "1.2.840.10008.1.2.1"),)):
        frames = web.retrieve_instance_frames(*stored, series.sop_instance_uids[1], [1], media_types=media_types)
        assert frames == [pixels]


def test_it_retrieves_encapsulated_frames(web: DICOMwebClient) -> None:
    dataset = pydicom.dcmread(packaged("SC_rgb_rle_2frame.dcm"))
    web.store_instances([dataset])
    place = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    expected = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=int(dataset.NumberOfFrames)))
    numbers = [1, len(expected)]
    frames = web.retrieve_instance_frames(*place, numbers, media_types=(("image/dicom-rle", "1.2.840.10008.1.2.5"),))
    assert frames == [expected[0], expected[-1]]


def test_it_retrieves_rendered_pictures(web: DICOMwebClient, stored: tuple[str, str], series: WrittenSeries) -> None:
    instance = series.sop_instance_uids[0]
    for kind in ("image/png", "image/jpeg"):
        body = web.retrieve_instance_rendered(
            *stored, instance, media_types=(kind,), params={"window": "40,400,linear"}
        )
        assert np.asarray(Image.open(io.BytesIO(body))).shape == (16, 16)
    assert web.retrieve_instance_frames_rendered(*stored, instance, [1], media_types=("image/png",))


@pytest.mark.faults
def test_it_stores_in_chunks_at_the_portal_itself(tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=6, rows=256, columns=256)
    with running_portal(tmp_path / "var", SAMPLE_PROJECT="true") as portal:
        token = portal.manage("api_token", ADMINISTRATOR)
        web = client_at(f"{portal.url}/projects/sample/dicomweb", token, 50_000)
        answer = web.store_instances([pydicom.dcmread(path) for path in series.paths])
        assert len(answer.ReferencedSOPSequence) == 6
        datasets = web.iter_series(series.study_instance_uid, series.series_instance_uid)
        assert {_bytes(one) for one in datasets} == {path.read_bytes() for path in series.paths}
        portal.manage("archive", "verify", "sample")


def _bytes(dataset: pydicom.Dataset) -> bytes:
    output = io.BytesIO()
    pydicom.dcmwrite(output, dataset)
    return output.getvalue()
