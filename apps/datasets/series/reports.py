"""The content tree of a structured report as text (PS3.3 C.17.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from apps.archives.services import JsonDataSet
from apps.datasets.series.elements import first, items

_CONCEPT_NAME, _CONTENT, _VALUE_TYPE, _MEANING = "0040A043", "0040A730", "0040A040", "00080104"
_CODE, _MEASURED, _NUMERIC, _UNITS = "0040A168", "0040A300", "0040A30A", "004008EA"
_REFERENCED_SOP, _REFERENCED_SOP_INSTANCE_UID = "00081199", "00081155"
_REFERENCES = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM"})
_MOST_REFERENCES = 3
_PLAIN_VALUES = {
    "TEXT": "0040A160",
    "DATETIME": "0040A120",
    "DATE": "0040A121",
    "TIME": "0040A122",
    "PNAME": "0040A123",
    "UIDREF": "0040A124",
    "SCOORD": "00700023",
    "SCOORD3D": "00700023",
}


@dataclass(frozen=True)
class ContentItem:
    """One line of a report: what is said, of what, and the lines below it."""

    name: str
    value: str
    children: "tuple[ContentItem, ...]"


def content_of(report: JsonDataSet) -> ContentItem | None:
    """The root of the content tree; None when the object has none."""
    return _item(report) if _CONTENT in report else None


def _item(dataset: JsonDataSet) -> ContentItem:
    children = tuple(_folded(items(dataset, _CONTENT)))
    return ContentItem(_meaning(dataset, _CONCEPT_NAME), _value(dataset), children)


def _folded(datasets: list[JsonDataSet]) -> Iterator[ContentItem]:
    """The lines; a long row of references of one name, such as all slices of a series, is one line that counts them."""
    for (name, is_reference), row in groupby(datasets, key=_kind):
        lines = list(row)
        if is_reference and len(lines) > _MOST_REFERENCES:
            yield ContentItem(name, f"{len(lines)} objects", ())
        else:
            yield from map(_item, lines)


def _kind(dataset: JsonDataSet) -> tuple[str, bool]:
    return _meaning(dataset, _CONCEPT_NAME), first(dataset, _VALUE_TYPE) in _REFERENCES


def _value(dataset: JsonDataSet) -> str:
    value_type = first(dataset, _VALUE_TYPE)
    if value_type == "CODE":
        return _meaning(dataset, _CODE)
    if value_type == "NUM":
        return _measurement(dataset)
    if value_type in _REFERENCES:
        return ", ".join(str(first(item, _REFERENCED_SOP_INSTANCE_UID)) for item in items(dataset, _REFERENCED_SOP))
    return _text(dataset.get(_PLAIN_VALUES.get(value_type, ""), {}), first(dataset, _PLAIN_VALUES.get(value_type, "")))


def _text(element: dict[str, Any], value: Any) -> str:
    return "A longer text, kept in the file alone." if "BulkDataURI" in element else str(value)


def _measurement(dataset: JsonDataSet) -> str:
    measured = items(dataset, _MEASURED)
    if not measured:
        return ""
    return f"{first(measured[0], _NUMERIC)} {_meaning(measured[0], _UNITS)}".strip()


def _meaning(dataset: JsonDataSet, tag: str) -> str:
    codes = items(dataset, tag)
    return str(first(codes[0], _MEANING)) if codes else ""
