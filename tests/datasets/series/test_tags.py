"""All attributes of an object as rows."""

from base64 import b64encode
from typing import Any

import pytest

from apps.datasets.series.tags import DEEPEST, MAX_VALUES, TagRow, mentioning, rows_of
from tests.datasets.conftest import sequence


def rows(dataset: dict[str, Any], **lengths: int) -> list[TagRow]:
    return list(rows_of(dataset, lengths))


def test_rows_come_in_the_order_of_tags_with_names_and_values() -> None:
    dataset = {
        "00100020": {"vr": "LO", "Value": ["A-1"]},
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY"]},
    }
    assert rows(dataset) == [
        TagRow("(0008,0008)", "Image Type", "CS", "ORIGINAL\\PRIMARY", "ImageType"),
        TagRow("(0010,0020)", "Patient ID", "LO", "A-1", "PatientID"),
    ]


def test_items_of_a_sequence_follow_it_one_level_deeper() -> None:
    found = rows({"00081115": sequence({"0020000E": {"vr": "UI", "Value": ["1.2"]}}), "0020000D": {"vr": "UI"}})
    assert [(row.name, row.value, row.depth) for row in found] == [
        ("Referenced Series Sequence", "1 item", 0),
        ("Item 1", "", 1),
        ("Series Instance UID", "1.2", 1),
        ("Study Instance UID", "", 0),
    ]


def test_very_deep_sequences_are_listed_and_moved_in_only_so_far() -> None:
    dataset: dict[str, Any] = {"00080100": {"vr": "SH", "Value": ["deep"]}}
    for _ in range(20):
        dataset = {"0040A730": sequence(dataset)}
    found = rows(dataset)
    assert (len(found), found[-1].value, found[-1].depth) == (41, "deep", DEEPEST)


def test_private_attributes_name_their_creator() -> None:
    dataset = {
        "00090010": {"vr": "LO", "Value": ["ACME 1.1"]},
        "00090011": {"vr": "LO", "Value": ["OTHER"]},
        "00091001": {"vr": "LO", "Value": ["secret"]},
        "00091101": {"vr": "LO", "Value": ["more"]},
        "00091201": {"vr": "LO", "Value": ["of nobody"]},
    }
    found = rows(dataset)
    assert all(row.is_private for row in found)
    assert [row.creator for row in found] == ["", "", "ACME 1.1", "OTHER", ""]
    assert [row.name for row in found] == ["Private Creator", "Private Creator", "", "", ""]


def test_a_private_creator_counts_in_its_own_item() -> None:
    inside = {"00090010": {"vr": "LO", "Value": ["INNER"]}, "00091001": {"vr": "LO", "Value": ["x"]}}
    found = rows({"00090010": {"vr": "LO", "Value": ["OUTER"]}, "00091140": sequence(inside)})
    assert next(row for row in found if row.value == "x").creator == "INNER"


def test_names_of_known_manufacturers_are_told() -> None:
    dataset = {
        "00190010": {"vr": "LO", "Value": ["SIEMENS MR HEADER"]},
        "0019100C": {"vr": "IS", "Value": [1000]},
    }
    assert rows(dataset)[1].name == "B_value"


@pytest.mark.parametrize(
    ("element", "shown"),
    [
        ({"vr": "OW", "BulkDataURI": "x"}, "not shown: 524 kB"),
        ({"vr": "OB", "InlineBinary": b64encode(b"\x00\xff").decode()}, "2 bytes: 00 ff"),
        ({"vr": "UN", "InlineBinary": b64encode(b"E25 ").decode()}, "4 bytes: E25"),
        ({"vr": "UN", "InlineBinary": b64encode(b"E\n" * 20).decode()}, "40 bytes: 45 0a 45"),
        ({"vr": "OB"}, ""),
    ],
)
def test_binary_values_tell_their_size(element: dict[str, Any], shown: str) -> None:
    (row,) = rows({"7FE00010": element}, **{"7FE00010": 524_288})
    assert row.value.startswith(shown)


def test_a_long_value_inside_a_sequence_tells_its_size() -> None:
    dataset = {"54000100": sequence({}, {"54001010": {"vr": "OW", "BulkDataURI": "x"}})}
    assert rows(dataset, **{"54000100/2/54001010": 7})[-1].value == "not shown: 7 bytes"


def test_a_long_value_of_unknown_size_is_no_error() -> None:
    assert rows({"7FE00010": {"vr": "OB", "BulkDataURI": "x"}})[0].value == "not shown: long value"


def test_many_values_and_long_ones_are_cut() -> None:
    (row,) = rows({"00080018": {"vr": "DS", "Value": list(range(MAX_VALUES + 3))}})
    assert row.value.endswith("… 3 more")
    (row,) = rows({"00204000": {"vr": "LT", "Value": ["x" * 1007]}})
    assert row.value.endswith("x… 7 more characters")


def test_names_in_several_writings_and_empty_values() -> None:
    dataset = {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada", "Ideographic": "山田"}, None]},
        "00100040": {"vr": "CS"},
    }
    assert [row.value for row in rows(dataset)] == ["Yamada=山田\\", ""]


@pytest.mark.parametrize("text", ["series instance", "SERIESINSTANCEUID", "0020000e", "0020,000E", "1.2.7"])
def test_a_search_finds_tag_name_keyword_and_value_with_what_holds_it(text: str) -> None:
    dataset = {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00081115": sequence({"00080050": {"vr": "SH"}}, {"0020000E": {"vr": "UI", "Value": ["1.2.7"]}}),
    }
    found = [row.name for row in mentioning(rows_of(dataset, {}), text)]
    assert found == ["Referenced Series Sequence", "Item 2", "Series Instance UID"]


def test_a_search_in_vain_finds_nothing() -> None:
    assert list(mentioning(rows_of({"00080060": {"vr": "CS"}}, {}), "nothing such")) == []
