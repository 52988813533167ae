"""All attributes of an object as rows of a table, from its metadata in the DICOM JSON model (PS3.18 F.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import dictionary_description, dictionary_has_tag

from apps.archives.services import JsonDataSet

MAX_ROWS = 2000
MAX_VALUES = 32
_MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class TagRow:
    tag: str
    name: str
    vr: str
    value: str
    depth: int
    is_private: bool


def rows_of(dataset: JsonDataSet, depth: int = 0) -> Iterator[TagRow]:
    """One row for each element, in the order of tags; items of a sequence follow it, one level deeper."""
    for tag in sorted(dataset):
        element = dataset[tag]
        vr = str(element.get("vr", ""))
        yield TagRow(_shown_tag(tag), _name(tag), vr, _shown(element, vr), depth, is_private=_is_private(tag))
        if vr == "SQ":
            yield from _item_rows(element, depth + 1)


def _item_rows(element: dict[str, Any], depth: int) -> Iterator[TagRow]:
    for number, item in enumerate(element.get("Value", []), 1):
        yield TagRow("", f"Item {number}", "", "", depth, is_private=False)
        yield from rows_of(item or {}, depth)


def _shown_tag(tag: str) -> str:
    return f"({tag[:4]},{tag[4:]})"


def _is_private(tag: str) -> bool:
    return int(tag[:4], 16) % 2 == 1


def _name(tag: str) -> str:
    if _is_private(tag):
        return ""
    number = int(tag, 16)
    return str(dictionary_description(number)) if dictionary_has_tag(number) else ""


def _shown(element: dict[str, Any], vr: str) -> str:
    if vr == "SQ":
        count = len(element.get("Value", []))
        return f"{count} item{'' if count == 1 else 's'}"
    if "BulkDataURI" in element or "InlineBinary" in element:
        return "binary or long value, not shown"
    values = element.get("Value", [])
    text = "\\".join(_plain(value) for value in values[:MAX_VALUES])
    more = f" … {len(values) - MAX_VALUES} more" if len(values) > MAX_VALUES else ""
    return text[:_MAX_CHARACTERS] + ("…" if len(text) > _MAX_CHARACTERS else "") + more


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "=".join(str(group) for group in value.values())
    return "" if value is None else str(value)
