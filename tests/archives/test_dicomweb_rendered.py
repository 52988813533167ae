"""WADO-RS: pictures of images, series and studies (PS3.18 10.4.1.1.3)."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import JPEGLSLossless

from tests.archives.dicom_files import image, packaged, save
from tests.archives.dicomweb import OCTETS, Service, body_of, place, stored
from tests.dicom import WrittenSeries, ct_series


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


def test_a_viewport_may_show_a_part_of_the_image(service: Service, tmp_path: Path) -> None:
    pixels = np.arange(32, dtype=np.uint8).reshape(4, 8) * 8
    where = stored(service, save(image(pixels), tmp_path / "gradient.dcm"))

    def part(viewport: str) -> np.ndarray:
        response = service.get(f"{where}/rendered", "image/png", window="128,256", viewport=viewport)
        return np.asarray(Image.open(io.BytesIO(body_of(response))))

    np.testing.assert_allclose(part("4,2,2,1,4,2"), pixels[1:3, 2:6], atol=1)
    np.testing.assert_allclose(part("8,4,,,-8,-4"), pixels[::-1, ::-1], atol=1)
    np.testing.assert_allclose(part("4,4,4,,,"), pixels[:, 4:], atol=1)
    assert part("8,8,7,3,0.1,0.1").shape == (8, 8)


def test_parameters_that_are_not_known_are_ignored(service: Service, series: WrittenSeries) -> None:
    assert service.get(f"{place(series)}/rendered", annotation="patient", iccprofile="no").status_code == 200


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
        {"quality": "0"}, {"quality": "101"}, {"quality": "x"}, {"viewport": "9,9,16,0,4,4"},
        {"viewport": "9,9,0,0,0,4"}, {"viewport": "9,9,0,-4,4,4"}, {"viewport": "9,9,nan,0,4,4"},
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
    where = stored(service, save(dataset, tmp_path / "bad.dcm", JPEGLSLossless))
    for path, accept in ((f"{where}/rendered", ""), (f"{where}/frames/1", OCTETS)):
        response = service.get(path, accept)
        assert response.status_code == 406
        assert "decoded" in response.json()["detail"]
    assert service.get(f"{where}/frames/1").status_code == 200
