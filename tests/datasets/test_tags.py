"""All attributes of an object as rows."""

from apps.datasets.tags import MAX_VALUES, TagRow, rows_of


def test_rows_come_in_the_order_of_tags_with_names_and_values() -> None:
    dataset = {
        "00100020": {"vr": "LO", "Value": ["A-1"]},
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY"]},
    }
    assert list(rows_of(dataset)) == [
        TagRow("(0008,0008)", "Image Type", "CS", "ORIGINAL\\PRIMARY", 0, is_private=False),
        TagRow("(0010,0020)", "Patient ID", "LO", "A-1", 0, is_private=False),
    ]


def test_items_of_a_sequence_follow_it_one_level_deeper() -> None:
    dataset = {"00081115": {"vr": "SQ", "Value": [{"0020000E": {"vr": "UI", "Value": ["1.2"]}}]}}
    rows = list(rows_of(dataset))
    assert [(row.name, row.value, row.depth) for row in rows] == [
        ("Referenced Series Sequence", "1 item", 0),
        ("Item 1", "", 1),
        ("Series Instance UID", "1.2", 1),
    ]


def test_private_attributes_are_marked() -> None:
    (row,) = rows_of({"00091001": {"vr": "LO", "Value": ["secret"]}})
    assert (row.tag, row.name, row.is_private) == ("(0009,1001)", "", True)


def test_pixels_and_long_values_are_named_not_shown() -> None:
    dataset = {"7FE00010": {"vr": "OW", "BulkDataURI": "x"}, "00091002": {"vr": "OB", "InlineBinary": "AAAA"}}
    assert {row.value for row in rows_of(dataset)} == {"binary or long value, not shown"}


def test_many_values_are_cut() -> None:
    (row,) = rows_of({"00080018": {"vr": "DS", "Value": list(range(MAX_VALUES + 3))}})
    assert row.value.endswith("… 3 more")


def test_names_in_several_writings_and_empty_values() -> None:
    dataset = {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada", "Ideographic": "山田"}, None]},
        "00100040": {"vr": "CS"},
    }
    assert [row.value for row in rows_of(dataset)] == ["Yamada=山田\\", ""]
