"""What derived objects say of their sources, read from the DICOM JSON model."""

from typing import Any

from apps.datasets.series.elements import first, items
from apps.datasets.series.references import covered_images, referenced_series
from tests.datasets.conftest import sequence


def uid(value: str) -> dict[str, Any]:
    return {"vr": "UI", "Value": [value]}


def test_series_of_a_segmentation_stand_in_referenced_series_sequence() -> None:
    segmentation = {
        "0020000E": uid("1.2.9"),
        "00081115": sequence({"0020000E": uid("1.2.3")}, {"0020000E": uid("1.2.4")}),
    }
    assert referenced_series(segmentation) == ["1.2.3", "1.2.4"]


def test_series_of_a_report_stand_in_its_evidence() -> None:
    report = {"0040A375": sequence({"0020000D": uid("1.2"), "00081115": sequence({"0020000E": uid("1.2.3")})})}
    assert referenced_series(report) == ["1.2.3"]


def test_an_image_refers_to_no_series() -> None:
    assert referenced_series({"0020000E": uid("1.2.3"), "00080060": {"vr": "CS", "Value": ["CT"]}}) == []


def test_a_segmentation_covers_the_sources_of_its_frames() -> None:
    def frame(source: str) -> dict[str, Any]:
        return {"00089124": sequence({"00082112": sequence({"00081155": uid(source)})})}

    assert covered_images({"52009230": sequence(frame("1.1"), frame("1.2"), frame("1.1"))}) == {"1.1", "1.2"}
    assert covered_images({"52009230": sequence({})}) == frozenset()


def test_elements_of_other_shapes_than_expected_have_no_value() -> None:
    assert first({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}}, "00100010") == "Doe^Jane"
    assert first({"00100010": {"vr": "PN"}}, "00100010") == ""
    assert first({}, "00100010") == ""
    assert items({"00081115": {"vr": "SQ", "Value": [None, {"0020000E": uid("1")}]}}, "00081115") == [
        {"0020000E": uid("1")}
    ]
