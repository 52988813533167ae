"""WADO-RS: frames as they are stored, or decoded (PS3.18 10.4.1.1.6)."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom.uid import RLELossless

from tests.archives.dicom_files import image, packaged, save
from tests.archives.dicomweb import OCTETS, Service, body_of, failures, parts_of, place, stored
from tests.dicom import WrittenSeries

EXPLICIT = "1.2.840.10008.1.2.1"


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
