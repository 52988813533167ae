"""What a viewer is told about a stack."""

import pytest

from apps.datasets.stacks import Frame, Mask, frames_of, is_grey, pixel_aspect_of, window_of


def test_frames_of_objects_follow_each_other() -> None:
    assert frames_of([("1.1", 2), ("1.2", 1)]) == [Frame("1.1", 1), Frame("1.1", 2), Frame("1.2", 1)]


@pytest.mark.parametrize(
    ("spacing", "aspect"), [([2, 1], 2.0), ([1, 4, 9], 0.25), ([0, 1], 1.0), (["x", 1], 1.0), ([1], 1.0), ([], 1.0)]
)
def test_pixels_have_the_height_that_the_spacing_gives(spacing: list[object], aspect: float) -> None:
    assert pixel_aspect_of({"00280030": {"vr": "DS", "Value": spacing}}) == aspect


def test_the_first_window_counts() -> None:
    image = {"00281050": {"vr": "DS", "Value": [40, 600]}, "00281051": {"vr": "DS", "Value": [80, 2800]}}
    assert window_of(image) == [40.0, 80.0]
    assert window_of({}) is None


def test_colour_has_no_window() -> None:
    assert is_grey({"00280004": {"vr": "CS", "Value": ["MONOCHROME1"]}})
    assert not is_grey({"00280004": {"vr": "CS", "Value": ["RGB"]}})


def test_a_mask_that_names_no_image_may_lie_on_any() -> None:
    assert Mask("1", "", "", {}).is_on(Frame("1.1", 1))
    assert Mask("1", "", "", {"1.1": 7}).is_on(Frame("1.1", 1))
    assert not Mask("1", "", "", {"1.1": 7}).is_on(Frame("1.2", 1))
