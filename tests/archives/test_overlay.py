"""Segmentations are put over exactly the images that they were drawn on."""

import io
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentationFractionalTypeValues, SegmentationTypeValues, SegmentDescription
from highdicom.sr import CodedConcept
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from apps.archives.static.colours import cielab_to_srgb
from apps.archives.static.pool import ChildPool
from apps.archives.static.refusals import FileRefused
from tests.dicom import ct_series

from .dicom_files import packaged

RED = (255, 0, 0)
ORANGE = (230, 159, 0)


def segment(number: int, *, colour: tuple[int, int, int] | None = None) -> SegmentDescription:
    description = SegmentDescription(
        segment_number=number,
        segment_label=f"segment {number}",
        segmented_property_category=CodedConcept("123037004", "SCT", "Anatomical Structure"),
        segmented_property_type=CodedConcept("272673000", "SCT", "Bone"),
        algorithm_type="AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name="test", version="1", family=CodedConcept("123109", "DCM", "Artificial Intelligence")
        ),
    )
    if colour:
        description.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*colour).value)
    return description


def segmentation(sources: list[Dataset], mask: np.ndarray, path: Path, **arguments: Any) -> Path:
    options = {"segmentation_type": SegmentationTypeValues.BINARY, "segment_descriptions": [segment(1)], **arguments}
    made = Segmentation(
        source_images=sources,
        pixel_array=mask,
        series_instance_uid=highdicom.UID(),
        series_number=9,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
        **options,
    )
    made.save_as(path)
    return path


@pytest.fixture
def sources(tmp_path: Path) -> list[Dataset]:
    written = ct_series(tmp_path / "ct", slices=4, rows=15, columns=13)
    return [pydicom.dcmread(path) for path in written.paths]


def overlay(pool: ChildPool, path: Path, sop_instance_uid: str, **arguments: Any) -> np.ndarray | None:
    header, body = pool.call("overlay", path=str(path), sop_instance_uid=sop_instance_uid, **arguments)
    return None if header.get("absent") else np.asarray(Image.open(io.BytesIO(body)))


def test_each_image_gets_its_own_frames(pool: ChildPool, sources: list[Dataset], tmp_path: Path) -> None:
    mask = np.random.default_rng(5).integers(0, 2, (4, 15, 13)).astype(np.uint8)
    mask[2] = 0
    path = segmentation(sources, mask, tmp_path / "seg.dcm")
    for source, expected in zip(sources, mask, strict=True):
        shown = overlay(pool, path, source.SOPInstanceUID)
        if not expected.any():
            assert shown is None
            continue
        assert shown is not None
        np.testing.assert_array_equal(shown[..., 3], expected * 255)
        assert {tuple(pixel) for pixel in shown[expected == 1, :3]} == {ORANGE}


def test_segments_have_the_colours_that_they_recommend(pool: ChildPool, sources: list[Dataset], tmp_path: Path) -> None:
    mask = np.zeros((4, 15, 13, 2), np.uint8)
    mask[:, :5, :, 0] = 1
    mask[:, 3:9, :, 1] = 1
    descriptions = [segment(1, colour=RED), segment(2)]
    path = segmentation(sources, mask, tmp_path / "seg.dcm", segment_descriptions=descriptions)
    header, _ = pool.call("overlay", path=str(path), sop_instance_uid=sources[0].SOPInstanceUID)
    assert header["segments"] == [1, 2]
    shown = overlay(pool, path, sources[0].SOPInstanceUID)
    assert shown is not None
    assert np.abs(shown[0, 0, :3].astype(int) - RED).max() <= 2
    assert np.abs(shown[4, 0, :3].astype(int) - RED).max() <= 2, "the first segment is on top"
    assert tuple(shown[7, 0]) == (86, 180, 233, 255)
    assert tuple(shown[14, 0]) == (0, 0, 0, 0)


def test_fractions_become_opacity(pool: ChildPool, sources: list[Dataset], tmp_path: Path) -> None:
    mask = np.linspace(0, 1, 4 * 15 * 13).reshape(4, 15, 13)
    path = segmentation(
        sources,
        mask,
        tmp_path / "seg.dcm",
        segmentation_type=SegmentationTypeValues.FRACTIONAL,
        fractional_type=SegmentationFractionalTypeValues.PROBABILITY,
        max_fractional_value=200,
    )
    shown = overlay(pool, path, sources[2].SOPInstanceUID)
    assert shown is not None
    assert np.abs(shown[..., 3] / 255 - mask[2]).max() < 0.005


def test_positions_count_where_no_source_is_named(pool: ChildPool, sources: list[Dataset], tmp_path: Path) -> None:
    mask = np.zeros((4, 15, 13), np.uint8)
    mask[1, 2, 3] = 1
    path = segmentation(sources, mask, tmp_path / "seg.dcm")
    stripped = pydicom.dcmread(path)
    for groups in stripped.PerFrameFunctionalGroupsSequence:
        del groups.DerivationImageSequence
    stripped.save_as(path)
    uids = [source.SOPInstanceUID for source in sources]
    assert overlay(pool, path, uids[1]) is None, "without the source nothing is known of its position"
    for number, source in enumerate(sources):
        shown = overlay(pool, path, uids[number], source_path=str(source.filename))
        assert (shown is not None) == (number == 1)


def test_frames_of_one_multi_frame_image_are_told_apart(
    pool: ChildPool, sources: list[Dataset], tmp_path: Path
) -> None:
    mask = np.zeros((4, 15, 13), np.uint8)
    mask[0, 0, 0] = mask[1, 1, 1] = 1
    path = segmentation(sources, mask, tmp_path / "seg.dcm")
    changed = pydicom.dcmread(path)
    uids = [source.SOPInstanceUID for source in sources]
    for groups in changed.PerFrameFunctionalGroupsSequence:
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        source.ReferencedFrameNumber = uids.index(source.ReferencedSOPInstanceUID) + 1
        source.ReferencedSOPInstanceUID = "1.2.3"
    changed.save_as(path)
    for frame in (1, 2):
        shown = overlay(pool, path, "1.2.3", frame=frame)
        assert shown is not None
        assert np.argwhere(shown[..., 3]).tolist() == [[frame - 1, frame - 1]]
    assert overlay(pool, path, "1.2.3", frame=3) is None


def test_what_is_no_segmentation_is_refused(pool: ChildPool) -> None:
    with pytest.raises(FileRefused, match="no segmentation"):
        overlay(pool, packaged("CT_small.dcm"), "1.2.3")


def test_a_frame_without_a_segment_is_refused(pool: ChildPool, sources: list[Dataset], tmp_path: Path) -> None:
    path = segmentation(sources, np.ones((4, 15, 13), np.uint8), tmp_path / "seg.dcm")
    changed = pydicom.dcmread(path)
    for groups in (*changed.SharedFunctionalGroupsSequence, *changed.PerFrameFunctionalGroupsSequence):
        groups.SegmentIdentificationSequence = Sequence([])
    changed.save_as(path)
    with pytest.raises(FileRefused, match="which segment"):
        overlay(pool, path, sources[0].SOPInstanceUID)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 0, 255), (12, 200, 90)])
def test_cielab_and_back(colour: tuple[int, int, int]) -> None:
    encoded = CIELabColor.from_rgb(*colour).value
    assert np.abs(np.subtract(cielab_to_srgb(tuple(encoded)), colour)).max() <= 2
