"""Windows of grey images: the image's own, usual ones, the whole range."""

from typing import Any

import pytest

from apps.datasets.series.windows import is_grey, presets_of, whole_range, window_of
from tests.datasets.conftest import sequence


def image(**numbers: Any) -> dict[str, Any]:
    tags = {
        "bits": "00280101", "signed": "00280103", "smallest": "00280106", "largest": "00280107",
        "intercept": "00281052", "slope": "00281053",
    }  # fmt: skip
    return {tags[name]: {"vr": "US", "Value": [number]} for name, number in numbers.items()}


def test_the_first_window_counts() -> None:
    dataset = {"00281050": {"vr": "DS", "Value": [40, 600]}, "00281051": {"vr": "DS", "Value": [80, 2800]}}
    assert window_of(dataset) == [40.0, 80.0]
    assert window_of({}) is None
    assert window_of({"00281050": {"vr": "DS", "Value": [None]}, "00281051": {"vr": "DS", "Value": ["x"]}}) is None


def test_colour_has_no_window() -> None:
    assert is_grey({"00280004": {"vr": "CS", "Value": ["MONOCHROME1"]}})
    assert not is_grey({"00280004": {"vr": "CS", "Value": ["RGB"]}})


@pytest.mark.parametrize(
    ("numbers", "value"),
    [
        ({"bits": 12, "signed": 0, "slope": 1, "intercept": -1024}, "1024,4096"),
        ({"bits": 16, "signed": 1}, "0,65536"),
        ({"bits": 8, "signed": 0}, "128,256"),
        ({"bits": 16, "signed": 0, "smallest": 100, "largest": 899}, "500,800"),
        ({"bits": 8, "signed": 0, "smallest": 7, "largest": 7}, "128,256"),
        ({"bits": 8, "signed": 0, "slope": -1}, "-127,256"),
    ],
)
def test_the_whole_range_is_in_the_units_of_the_image(numbers: dict[str, Any], value: str) -> None:
    preset = whole_range(image(**numbers))
    assert preset is not None
    assert preset.value == value


@pytest.mark.parametrize("numbers", [{}, {"bits": 0}, {"bits": 99}, {"bits": "x"}])
def test_no_range_without_the_depth(numbers: dict[str, Any]) -> None:
    assert whole_range(image(**numbers)) is None


def test_enhanced_images_say_it_for_all_frames_or_there_is_no_range() -> None:
    macro = {"00289145": sequence({"00281052": {"vr": "DS", "Value": [-1024]}, "00281053": {"vr": "DS", "Value": [1]}})}
    shared = whole_range({**image(bits=12), "52009229": sequence(macro)})
    assert shared is not None
    assert shared.value == "1024,4096"
    assert whole_range({**image(bits=12), "52009230": sequence(macro)}) is None


def test_usual_windows_are_those_of_the_modality() -> None:
    names = [preset.name for preset in presets_of("CT", image(bits=12))]
    assert {"Brain", "Subdural", "Bone", "Lung", "Abdomen"} < set(names)
    assert names[-1] == "Whole range"
    assert [preset.name for preset in presets_of("MR", image(bits=12))] == ["Whole range"]
    assert presets_of("MR", {}) == []
