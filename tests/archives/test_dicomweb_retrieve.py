"""WADO-RS: objects, metadata, frames, bulk values and pictures of them (PS3.18 10.4)."""

import io
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from apps.archives.models import Archive, Instance
from tests.archives.dicom_files import image, packaged, path_of, save
from tests.archives.dicomweb import Service, body_of, failures, parts_of
from tests.dicom import WrittenSeries, ct_series

OCTETS = 'multipart/related; type="application/octet-stream"'
EXPLICIT, JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"


@pytest.fixture
def series(service: Service, tmp_path: Path) -> WrittenSeries:
    written = ct_series(tmp_path / "source", slices=3)
    service.store_files(written.paths)
    return written


def place(series: WrittenSeries) -> str:
    return f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"


def stored(service: Service, path: Path) -> str:
    """Stores a file and gives its place in the service."""
    service.store_files([path])
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    return f"studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


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


def test_native_frames_are_ranges_of_the_file(service: Service, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 4096, (5, 32, 48), dtype=np.uint16)
    where = stored(service, save(image(pixels), tmp_path / "multi.dcm"))
    parts = parts_of(service.get(f"{where}/frames/4,1,1", OCTETS))
    kind = f"application/octet-stream; transfer-syntax={EXPLICIT}"
    assert parts == [(kind, pixels[index].tobytes()) for index in (3, 0, 0)]
    alone = service.get(f"{where}/frames/5", "application/octet-stream")
    assert alone["Content-Type"] == kind
    assert body_of(alone) == pixels[4].tobytes()
    assert service.get(f"{where}/frames/1,2", "application/octet-stream").status_code == 406
    assert service.get(f"{where}/frames/1", 'multipart/related; type="image/jpeg"').status_code == 406


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("JPEG2000.dcm", "image/jp2"),
        ("MR_small_jpeg_ls_lossless.dcm", "image/jls"),
        ("SC_rgb_jpeg_dcmtk.dcm", "image/jpeg"),
        ("MR_small_RLE.dcm", "image/dicom-rle"),
    ],
)
def test_encapsulated_frames_come_as_they_are_or_decoded(service: Service, name: str, media_type: str) -> None:
    dataset = pydicom.dcmread(packaged(name))
    where = stored(service, packaged(name))
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    syntax = dataset.file_meta.TransferSyntaxUID
    kind = f"{media_type}; transfer-syntax={syntax}"
    for accept in (
        "",
        f'multipart/related; type="{media_type}"',
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        f'multipart/related; type="image/*"; transfer-syntax={syntax}',
    ):
        assert parts_of(service.get(f"{where}/frames/1", accept)) == [(kind, frame)], accept
    assert parts_of(service.get(f"{where}/bulkdata/7FE00010")) == [(kind, frame)]
    decoded = parts_of(service.get(f"{where}/frames/1", OCTETS))
    assert decoded[0][0] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    if dataset.SamplesPerPixel == 1:
        assert decoded[0][1] == dataset.pixel_array.tobytes()
    alone = service.get(f"{where}/frames/1", media_type)
    assert (alone["Content-Type"], body_of(alone)) == (kind, frame)


def test_old_names_of_media_types_are_understood(service: Service) -> None:
    where = stored(service, packaged("MR_small_RLE.dcm"))
    assert service.get(f"{where}/frames/1", 'multipart/related; type="image/x-dicom-rle"').status_code == 200


def test_bit_packed_frames_off_byte_bounds_begin_at_a_byte(service: Service, tmp_path: Path) -> None:
    bits = np.random.default_rng(2).integers(0, 2, (3, 3, 5), dtype=np.uint8)
    dataset = image(bits.astype(np.uint8))
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    where = stored(service, save(dataset, tmp_path / "bits.dcm"))
    parts = parts_of(service.get(f"{where}/frames/1,2,3"))
    assert [body for _, body in parts] == [np.packbits(one.ravel(), bitorder="little").tobytes() for one in bits]


def test_a_frame_never_changes_and_is_not_sent_twice(service: Service, series: WrittenSeries) -> None:
    path = f"{place(series)}/instances/{series.sop_instance_uids[0]}/frames/1"
    response = service.get(path)
    assert "immutable" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    assert {"Accept", "Cookie", "Authorization"} <= {name.strip() for name in response["Vary"].split(",")}
    headers = {**service.headers, "If-None-Match": response["ETag"]}
    assert service.client.get(f"{service.root}/{path}", headers=headers).status_code == 304
    other = service.get(path, "application/octet-stream")
    assert other["ETag"] != response["ETag"]


def test_head_says_how_much_there_is(service: Service, series: WrittenSeries) -> None:
    for path in (place(series), f"{place(series)}/instances/{series.sop_instance_uids[0]}/frames/1"):
        response = service.client.head(f"{service.root}/{path}", headers=service.headers)
        assert response.status_code == 200
        assert int(response["Content-Length"]) == len(body_of(service.get(path)))


def test_pixel_data_that_is_not_there_is_404(service: Service, tmp_path: Path) -> None:
    dataset = image(np.zeros((8, 8), np.uint8))
    del dataset.PixelData, dataset.Rows, dataset.Columns
    where = stored(service, save(dataset, tmp_path / "none.dcm", RLELossless))
    for path in ("bulkdata/7FE00010", "frames/1", "rendered"):
        for accept in ("", OCTETS if path != "rendered" else ""):
            assert service.get(f"{where}/{path}", accept).status_code == 404


def test_a_frame_costs_few_queries(series: WrittenSeries, alice: object) -> None:
    session = Service.by_session(alice)  # type: ignore[arg-type]
    path = f"{place(series)}/instances/{series.sop_instance_uids[0]}/frames/1"
    session.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert body_of(session.get(path))
    assert len(queries) <= 4
    assert all(query["sql"].startswith("SELECT") for query in queries)


def test_rendered_is_what_the_window_makes_of_it(service: Service, series: WrittenSeries) -> None:
    where = f"{place(series)}/instances/{series.sop_instance_uids[0]}/rendered"
    response = service.get(where, "image/png", window="0,2001,linear")
    assert response["Content-Type"] == "image/png"
    picture = np.asarray(Image.open(io.BytesIO(body_of(response))))
    assert picture.shape == (16, 16)
    # Air at -1000 is black, water at 0 the middle, bone at 1000 white.
    assert (picture[0, 0], picture[5, 5], picture[10, 10]) == (0, 255, 128)
    sharp = service.get(where, "image/png", window="500,1,linear-exact")
    assert set(np.asarray(Image.open(io.BytesIO(body_of(sharp)))).ravel()) == {0, 255}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "image/jpeg"),
        ("image/png", "image/png"),
        ("image/*", "image/jpeg"),
        ("image/avif,image/webp,*/*;q=0.8", "image/jpeg"),
    ],
)
def test_pictures_come_in_the_type_asked_for(
    service: Service, series: WrittenSeries, accept: str, media_type: str
) -> None:
    for path in (f"studies/{series.study_instance_uid}/thumbnail", f"{place(series)}/rendered"):
        response = service.get(path, accept)
        assert response["Content-Type"] == media_type
        assert Image.open(io.BytesIO(body_of(response))).format == media_type.removeprefix("image/").upper()


def test_pictures_fit_the_viewport(service: Service, tmp_path: Path) -> None:
    where = stored(service, save(image(np.zeros((100, 200), np.uint8)), tmp_path / "wide.dcm"))

    def size(path: str, **query: str) -> tuple[int, int]:
        return Image.open(io.BytesIO(body_of(service.get(path, **query)))).size

    assert size(f"{where}/rendered") == (200, 100)
    assert size(f"{where}/rendered", viewport="50,50") == (50, 25)
    assert size(f"{where}/thumbnail") == (256, 128)
    assert size(f"{where}/frames/1/thumbnail", viewport="20,5") == (10, 5)


def test_quality_makes_a_smaller_jpeg(service: Service, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (64, 64), dtype=np.uint8)
    where = stored(service, save(image(noise), tmp_path / "noise.dcm"))
    small, large = (len(body_of(service.get(f"{where}/rendered", quality=quality))) for quality in ("10", "95"))
    assert small < large / 2


@pytest.mark.parametrize(
    "query",
    [
        {"window": "x"}, {"window": "1"}, {"window": "1,0"}, {"window": "1,2,cubic"}, {"window": "nan,1"},
        {"window": "1,inf"}, {"viewport": "0,10"}, {"viewport": "10"}, {"viewport": "99999,1"}, {"viewport": "1,2,3,4"},
        {"quality": "0"}, {"quality": "101"}, {"quality": "x"}, {"annotation": "patient"},
    ],
)  # fmt: skip
def test_bad_parameters_of_rendered_are_said(service: Service, series: WrittenSeries, query: dict[str, str]) -> None:
    response = service.get(f"{place(series)}/rendered", **query)
    assert response.status_code == 400
    assert response.json()["detail"]


def test_the_middle_image_stands_for_its_series_and_images_for_their_study(service: Service, tmp_path: Path) -> None:
    written = ct_series(tmp_path / "source", slices=5)
    service.store_files(written.paths)
    middle = f"{place(written)}/instances/{written.sop_instance_uids[2]}/rendered"
    for path in (f"{place(written)}/rendered", f"studies/{written.study_instance_uid}/rendered"):
        assert service.get(path)["ETag"] == service.get(middle)["ETag"]


def test_what_has_no_picture_says_so(service: Service) -> None:
    where = stored(service, packaged("rtplan.dcm"))
    assert service.get(f"{where}/rendered").status_code == 404
    assert service.get(f"{where.split('/instances')[0]}/thumbnail").status_code == 404
    assert service.get(f"{where}/frames/1").status_code == 404


@pytest.mark.attacks
def test_pixels_that_cannot_be_decoded_are_refused_with_a_sentence(service: Service, tmp_path: Path) -> None:
    dataset = image(np.zeros((8, 8), np.uint16))
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff no picture"])
    where = stored(service, save(dataset, tmp_path / "bad.dcm", pydicom.uid.UID(JPEG_LS)))
    for path, accept in ((f"{where}/rendered", ""), (f"{where}/frames/1", OCTETS)):
        response = service.get(path, accept)
        assert response.status_code == 406
        assert "decoded" in response.json()["detail"]
    assert service.get(f"{where}/frames/1").status_code == 200


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


def test_a_video_is_read_as_a_whole(service: Service, tmp_path: Path) -> None:
    dataset = image(np.zeros((8, 8), np.uint8), NumberOfFrames=25)
    dataset.PixelData = pydicom.encaps.encapsulate([b"\x00\x00\x01\xb3 whole video"])
    syntax = pydicom.uid.UID("1.2.840.10008.1.2.4.102")
    where = stored(service, save(dataset, tmp_path / "video.dcm", syntax))
    kind, body = parts_of(service.get(f"{where}/bulkdata/7FE00010"))[0]
    assert kind == f"video/mp4; transfer-syntax={syntax}"
    assert body.startswith(b"\x00\x00\x01\xb3 whole video")
    refused = service.get(f"{where}/frames/1")
    assert refused.status_code == 406
    assert "video" in refused.json()["detail"]


def test_rle_written_by_others_is_refused_when_its_frames_cannot_be_told_apart(
    service: Service, tmp_path: Path
) -> None:
    dataset = image(np.zeros((2, 8, 8), np.uint8))
    dataset.PixelData = pydicom.encaps.encapsulate([b"one"])
    path = save(dataset, tmp_path / "rle.dcm", RLELossless)
    assert "2 frames" in failures(service.store([path.read_bytes()]))[0][1]
