"""A structured report as lines of text."""

from typing import Any

from apps.datasets.series.reports import ContentItem, content_of
from tests.datasets.conftest import sequence


def text(value: str) -> dict[str, Any]:
    return {"vr": "LO", "Value": [value]}


def item(value_type: str, name: str, *children: dict[str, Any], **elements: Any) -> dict[str, Any]:
    concept = {"0040A043": sequence({"00080104": text(name)})}
    content = {"0040A730": sequence(*children)} if children else {}
    return {"0040A040": text(value_type), **concept, **content, **elements}


def only_child(child: dict[str, Any]) -> ContentItem:
    root = content_of(item("CONTAINER", "Report", child))
    assert root is not None
    return root.children[0]


def test_a_tree_keeps_its_shape() -> None:
    inner = item("CONTAINER", "Group", item("TEXT", "Comment", **{"0040A160": text("all well")}))
    root = content_of(item("CONTAINER", "Report", inner))
    assert root == ContentItem("Report", "", (ContentItem("Group", "", (ContentItem("Comment", "all well", ()),)),))


def test_a_number_carries_its_unit() -> None:
    measured = {"0040A30A": {"vr": "DS", "Value": [12.5]}, "004008EA": sequence({"00080104": text("cubic centimeter")})}
    line = only_child(item("NUM", "Volume", **{"0040A300": sequence(measured)}))
    assert (line.name, line.value) == ("Volume", "12.5 cubic centimeter")


def test_a_number_without_a_value_is_empty() -> None:
    assert only_child(item("NUM", "Volume", **{"0040A300": sequence()})).value == ""


def test_codes_names_times_and_references() -> None:
    assert only_child(item("CODE", "Finding", **{"0040A168": sequence({"00080104": text("Bone")})})).value == "Bone"
    person = {"0040A123": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}}
    assert only_child(item("PNAME", "Observer", **person)).value == "Doe^Jane"
    assert only_child(item("DATE", "On", **{"0040A121": text("20260102")})).value == "20260102"
    image = {"00081199": sequence({"00081155": text("1.2.3")})}
    assert only_child(item("IMAGE", "Source", **image)).value == "1.2.3"


def test_a_text_too_long_for_the_index_says_where_it_is() -> None:
    long = {"0040A160": {"vr": "UT", "BulkDataURI": "studies/1/bulkdata"}}
    assert only_child(item("TEXT", "Comment", **long)).value == "A longer text, kept in the file alone."


def test_a_long_row_of_references_is_one_line() -> None:
    images = [item("IMAGE", "Source", **{"00081199": sequence({"00081155": text(f"1.{n}")})}) for n in range(28)]
    root = content_of(item("CONTAINER", "Report", *images, item("TEXT", "Source", **{"0040A160": text("CT")})))
    assert root is not None
    assert [(line.name, line.value) for line in root.children] == [("Source", "28 objects"), ("Source", "CT")]


def test_what_is_no_report_has_no_content() -> None:
    assert content_of({"00080060": text("CT")}) is None


def test_an_unknown_kind_of_value_is_an_empty_line() -> None:
    assert only_child(item("WONDER", "What")) == ContentItem("What", "", ())
