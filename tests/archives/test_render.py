"""Rendered frames show what the standard says a screen shows, pixel by pixel."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.sequence import Sequence
from pydicom.uid import RLELossless

from apps.archives.static.pool import ChildPool
from apps.archives.static.refusals import FileRefused

from .dicom_files import image, packaged, save

RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16)


def render(pool: ChildPool, path: Path, frame: int = 1, **arguments: Any) -> tuple[dict[str, Any], np.ndarray]:
    header, body = pool.call("render", path=str(path), frame=frame, **arguments)
    return header, np.asarray(Image.open(io.BytesIO(body)))


def linear(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, written as the standard has it."""
    shown = ((values - (centre - 0.5)) / (width - 1) + 0.5) * 255
    shown = np.where(values <= centre - 0.5 - (width - 1) / 2, 0, shown)
    return np.where(values > centre - 0.5 + (width - 1) / 2, 255, shown)


def assert_close(shown: np.ndarray, expected: np.ndarray, tolerance: float = 1) -> None:
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(float) - expected.astype(float)).max() <= tolerance


def test_ct_goes_through_rescale_and_the_window_asked_for(pool: ChildPool) -> None:
    path = packaged("CT_small.dcm")
    stored = pydicom.dcmread(path)
    hounsfield = stored.pixel_array * float(stored.RescaleSlope) + float(stored.RescaleIntercept)
    assert stored.RescaleIntercept == -1024
    header, shown = render(pool, path, window=[40, 400])
    assert header["window"] == [40, 400]
    assert header["media_type"] == "image/png"
    assert_close(shown, linear(hounsfield, 40, 400))


def test_the_window_of_the_file_is_the_default(pool: ChildPool) -> None:
    path = packaged("MR_small.dcm")
    stored = pydicom.dcmread(path)
    header, shown = render(pool, path)
    assert header["window"] == [float(stored.WindowCenter), float(stored.WindowWidth)]
    assert_close(shown, linear(stored.pixel_array, *header["window"]))


def test_without_a_window_percentiles_are_taken_without_padding(pool: ChildPool, dicom_file: Path) -> None:
    pixels = np.concatenate([RAMP + 1000, np.full((16, 16), 0, np.uint16)])
    save(image(pixels, PixelPaddingValue=0), dicom_file)
    header, shown = render(pool, dicom_file)
    low, high = np.percentile(RAMP + 1000, (1, 99))
    assert header["window"] == pytest.approx([(low + high + 1) / 2, high - low + 1])
    assert shown[0, 0] == 0
    assert shown[15, 15] == 255
    assert abs(int(shown[8, 0]) - 128) <= 1


def test_monochrome1_is_shown_inverted(pool: ChildPool, dicom_file: Path) -> None:
    save(image(RAMP, PhotometricInterpretation="MONOCHROME1"), dicom_file)
    _, shown = render(pool, dicom_file, window=[128, 256])
    assert_close(shown, 255 - RAMP)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("LINEAR_EXACT", np.clip((RAMP.astype(float) - 100) / 50 + 0.5, 0, 1) * 255),
        ("SIGMOID", 255 / (1 + np.exp(-4 * (RAMP.astype(float) - 100) / 50))),
    ],
)
def test_voi_lut_functions(pool: ChildPool, dicom_file: Path, function: str, expected: np.ndarray) -> None:
    save(image(RAMP, WindowCenter=100, WindowWidth=50, VOILUTFunction=function), dicom_file)
    assert_close(render(pool, dicom_file)[1], expected)
    assert_close(render(pool, dicom_file, window=[100, 50], voi_lut_function=function)[1], expected)


def lut(values: list[int], first: int, bits: int) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "US", [len(values), first, bits])
    item.add_new(0x00283006, "US", values)
    return item


def test_luts_may_be_written_as_words(pool: ChildPool, dicom_file: Path) -> None:
    voi = lut([0], 0, 16)
    voi.LUTDescriptor = [256, 0, 16]
    voi.add_new(0x00283006, "OW", (65535 - np.arange(256, dtype="<u2") * 257).tobytes())
    save(image(RAMP, VOILUTSequence=Sequence([voi])), dicom_file)
    assert_close(render(pool, dicom_file)[1], 255 - RAMP)


def test_modality_and_voi_luts_of_the_file(pool: ChildPool, dicom_file: Path) -> None:
    modality = lut([value * 2 for value in range(256)], 0, 16)
    modality.ModalityLUTType = "US"
    voi = lut([255 - value // 2 for value in range(512)], 0, 8)
    save(image(RAMP, ModalityLUTSequence=Sequence([modality]), VOILUTSequence=Sequence([voi])), dicom_file)
    header, shown = render(pool, dicom_file)
    assert header["window"] is None
    assert_close(shown, 255 - RAMP)


def test_enhanced_objects_have_their_window_in_functional_groups(pool: ChildPool, dicom_file: Path) -> None:
    def groups(intercept: int, centre: int) -> Dataset:
        transformation, voi, item = Dataset(), Dataset(), Dataset()
        transformation.RescaleSlope, transformation.RescaleIntercept = "1", str(intercept)
        voi.WindowCenter, voi.WindowWidth = str(centre), "256"
        item.PixelValueTransformationSequence = Sequence([transformation])
        item.FrameVOILUTSequence = Sequence([voi])
        return item

    per_frame = Sequence([groups(0, 128), groups(1000, 1128)])
    save(image(np.stack([RAMP, RAMP]), PerFrameFunctionalGroupsSequence=per_frame), dicom_file)
    for frame, centre in ((1, 128.0), (2, 1128.0)):
        header, shown = render(pool, dicom_file, frame)
        assert header["window"] == [centre, 256.0]
        assert_close(shown, RAMP)


def test_rgb_is_shown_as_it_is(pool: ChildPool) -> None:
    path = packaged("examples_rgb_color.dcm")
    header, shown = render(pool, path)
    assert header["window"] is None
    np.testing.assert_array_equal(shown, pydicom.dcmread(path).pixel_array)


@pytest.mark.parametrize("name", ["SC_rgb_rle_16bit.dcm", "SC_rgb_rle_32bit.dcm"])
def test_deep_colours_are_brought_to_8_bits(pool: ChildPool, name: str) -> None:
    stored = pydicom.dcmread(packaged(name))
    expected = stored.pixel_array >> (stored.BitsStored - 8)
    np.testing.assert_array_equal(render(pool, packaged(name))[1], expected.astype(np.uint8))


@pytest.mark.parametrize("name", ["SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_ybr_full_422_uncompressed.dcm"])
def test_ybr_becomes_rgb(pool: ChildPool, name: str) -> None:
    """Both files hold the colour bars of pydicom's test images, red on top."""
    _, shown = render(pool, packaged(name))
    assert_close(shown[5, 50], np.array([255, 0, 0]), tolerance=3)
    assert_close(shown[25, 50], np.array([0, 255, 0]), tolerance=130)
    assert_close(shown[65, 50], np.array([0, 0, 0]), tolerance=66)
    assert_close(shown[95, 50], np.array([255, 255, 255]), tolerance=3)


def test_whole_samples_under_the_name_of_half_ones(pool: ChildPool, dicom_file: Path) -> None:
    colours = np.random.default_rng(2).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    data_set = image(RAMP.astype(np.uint8), SamplesPerPixel=3, PlanarConfiguration=0)
    data_set.PhotometricInterpretation = "YBR_FULL_422"
    data_set.PixelData = convert_color_space(colours, "RGB", "YBR_FULL").tobytes()
    _, shown = render(pool, save(data_set, dicom_file))
    assert_close(shown, colours, tolerance=3)


def test_palettes_are_looked_up(pool: ChildPool) -> None:
    path = packaged("examples_palette.dcm")
    stored = pydicom.dcmread(path)
    expected = apply_color_lut(stored.pixel_array, stored)
    _, shown = render(pool, path)
    np.testing.assert_array_equal(shown, (expected >> 8 if expected.dtype == np.uint16 else expected))


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"),
    ],
)
def test_lossless_codecs_show_the_same_picture(pool: ChildPool, name: str, original: str) -> None:
    expected = pydicom.dcmread(packaged(original)).pixel_array
    _, shown = render(pool, packaged(name), window=[600, 1200])
    if expected.ndim == 2:
        expected = linear(expected, 600, 1200)
    assert_close(shown, expected)


def test_a_picture_of_jpeg_2000_with_signed_samples(pool: ChildPool) -> None:
    path = packaged("693_J2KI.dcm")
    stored = pydicom.dcmread(path)
    hounsfield = stored.pixel_array * float(stored.RescaleSlope) + float(stored.RescaleIntercept)
    assert_close(render(pool, path, window=[40, 400])[1], linear(hounsfield, 40, 400))


def test_the_frame_asked_for_is_the_one_shown(pool: ChildPool, dicom_file: Path) -> None:
    pixels = np.stack([RAMP, RAMP[::-1], RAMP.T]).astype(np.uint16)
    data_set = image(pixels)
    data_set.compress(RLELossless, generate_instance_uid=False)
    for syntax_file in (save(image(pixels), dicom_file), save(data_set, dicom_file.with_suffix(".rle"), RLELossless)):
        for frame, expected in enumerate(pixels, 1):
            assert_close(render(pool, syntax_file, frame, window=[128, 256])[1], expected)


def test_pictures_fit_the_box_and_keep_their_proportions(pool: ChildPool) -> None:
    path = packaged("examples_rgb_color.dcm")
    whole, _ = render(pool, path)
    header, shown = render(pool, path, width=100, height=100)
    assert max(header["width"], header["height"]) == 100
    assert shown.shape[:2] == (header["height"], header["width"])
    assert header["width"] / header["height"] == pytest.approx(whole["width"] / whole["height"], rel=0.02)
    assert render(pool, path, width=64)[0]["width"] == 64


def test_jpeg_on_request(pool: ChildPool) -> None:
    header, body = pool.call("render", path=str(packaged("CT_small.dcm")), frame=1, format="jpeg", window=[40, 400])
    assert header["media_type"] == "image/jpeg"
    assert body.startswith(b"\xff\xd8")
    _, png = render(pool, packaged("CT_small.dcm"), window=[40, 400])
    difference = np.abs(np.asarray(Image.open(io.BytesIO(body))).astype(int) - png)
    assert difference.mean() < 3


@pytest.mark.parametrize(
    ("name", "frame", "sentence"),
    [
        ("CT_small.dcm", 2, "frame 2 does not exist"),
        ("CT_small.dcm", 0, "frame 0 does not exist"),
        ("rtplan.dcm", 1, "holds no image"),
        ("JPEG-lossy.dcm", 1, "cannot be decoded"),
    ],
)
def test_what_cannot_be_shown_is_refused(pool: ChildPool, name: str, frame: int, sentence: str) -> None:
    with pytest.raises(FileRefused, match=sentence):
        pool.call("render", path=str(packaged(name)), frame=frame)


def test_every_packaged_image_that_pydicom_decodes_is_rendered(pool: ChildPool) -> None:
    undecodable = {"JPEG-lossy.dcm", "JPGExtended.dcm", "JPEG2000-embedded-sequence-delimiter.dcm"}
    for path in packaged("").glob("*.dcm"):
        try:
            layout = pool.call("describe", path=str(path)).header["frames"]["layout"]
        except FileRefused:
            continue
        if layout != "none" and path.name not in undecodable:
            pool.call("render", path=str(path), frame=1)


def test_damaged_pixel_data_never_breaks_the_pool(pool: ChildPool, dicom_file: Path) -> None:
    rng = np.random.default_rng(3)
    for name in ("SC_rgb_jpeg_dcmtk.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"):
        content = bytearray(packaged(name).read_bytes())
        for position in rng.integers(len(content) - 1500, len(content) - 20, 40):
            content[position] = rng.integers(256)
        dicom_file.write_bytes(content)
        with contextlib.suppress(FileRefused):
            render(pool, dicom_file)
        pool.call("describe", path=str(packaged(name)))
