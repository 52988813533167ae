"""What a viewer is told about a stack."""

import pytest

from apps.datasets.series.stacks import Frame, Mask, frames_of, pixel_aspect_of, speed_of


def test_frames_of_objects_follow_each_other() -> None:
    assert frames_of([("1.1", 2), ("1.2", 1)]) == [Frame("1.1", 1), Frame("1.1", 2), Frame("1.2", 1)]


@pytest.mark.parametrize(
    ("spacing", "aspect"), [([2, 1], 2.0), ([1, 4, 9], 0.25), ([0, 1], 1.0), (["x", 1], 1.0), ([1], 1.0), ([], 1.0)]
)
def test_pixels_have_the_height_that_the_spacing_gives(spacing: list[object], aspect: float) -> None:
    assert pixel_aspect_of({"00280030": {"vr": "DS", "Value": spacing}}) == aspect


@pytest.mark.parametrize(
    ("attributes", "speed"),
    [
        ({}, 10),
        ({"00181063": [40]}, 25),
        ({"00180040": [12]}, 12),
        ({"00082144": [7], "00180040": [12], "00181063": [40]}, 7),
        ({"00181063": [0]}, 10),
        ({"00181063": ["x"]}, 10),
        ({"00181063": [1]}, 60),
        ({"00181063": [9999]}, 1),
    ],
)
def test_a_film_is_played_as_it_was_recorded(attributes: dict[str, list[object]], speed: int) -> None:
    assert speed_of({tag: {"vr": "IS", "Value": value} for tag, value in attributes.items()}) == speed


def test_a_mask_that_names_no_image_may_lie_on_any() -> None:
    assert Mask("1", "", "", {}).is_on(Frame("1.1", 1))
    assert Mask("1", "", "", {"1.1": 7}).is_on(Frame("1.1", 1))
    assert not Mask("1", "", "", {"1.1": 7}).is_on(Frame("1.2", 1))
