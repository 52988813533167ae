"""All attributes of an object as rows of a table, from its metadata in the DICOM JSON model (PS3.18 F.2)."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import dictionary_description, dictionary_has_tag, keyword_for_tag, private_dictionary_description

from apps.archives.services import JsonDataSet
from apps.core.templatetags.ui import in_bytes

MAX_ROWS = 2000
MAX_VALUES = 32
DEEPEST = 6  # how far rows are moved in
_MAX_CHARACTERS = 1000
_SHOWN_BYTES = 16


@dataclass(frozen=True)
class TagRow:
    """`creator` is who defined a private attribute (PS3.5 7.8.1), as far as the object says; `parents` hold it."""

    tag: str
    name: str
    vr: str
    value: str
    keyword: str = ""
    is_private: bool = False
    creator: str = ""
    parents: tuple["TagRow", ...] = ()

    @property
    def depth(self) -> int:
        return min((len(self.parents) + 1) // 2, DEEPEST)

    def mentions(self, text: str) -> bool:
        """In any of its cells, without regard to case; a tag also as 00100010 and 0010,0010."""
        cells = (self.tag, self.tag.strip("()").replace(",", ""), self.name, self.keyword, self.creator, self.value)
        return any(text.casefold() in cell.casefold() for cell in cells)


@dataclass(frozen=True)
class _Place:
    """Where in an object a data set is: the path of its attributes (`54000100/1/`), and the rows that hold it."""

    lengths: Mapping[str, int]
    path: str = ""
    parents: tuple[TagRow, ...] = ()

    def inside(self, tag: str, number: int, *parents: TagRow) -> "_Place":
        return _Place(self.lengths, f"{self.path}{tag}/{number}/", (*self.parents, *parents))


def rows_of(dataset: JsonDataSet, lengths: Mapping[str, int]) -> Iterator[TagRow]:
    """One row for each element, in the order of tags; items of a sequence follow it, with what they hold.

    `lengths` has the bytes of the values that are not in the metadata, by path.
    """
    return _rows(dataset, _Place(lengths))


def mentioning(rows: Iterable[TagRow], text: str) -> Iterator[TagRow]:
    """Those that mention the text, each with the rows that hold it."""
    told: set[int] = set()
    for row in rows:
        if row.mentions(text):
            for one in (*row.parents, row):
                if id(one) not in told:
                    told.add(id(one))
                    yield one


def _rows(dataset: JsonDataSet, place: _Place) -> Iterator[TagRow]:
    for tag in sorted(dataset):
        row = _row(dataset, tag, place)
        yield row
        for number, item in enumerate(_items(dataset[tag]), 1):
            head = TagRow("", f"Item {number}", "", "", parents=(*place.parents, row))
            yield head
            yield from _rows(item, place.inside(tag, number, row, head))


def _row(dataset: JsonDataSet, tag: str, place: _Place) -> TagRow:
    element, number = dataset[tag], int(tag, 16)
    is_private = number >> 16 & 1 == 1
    creator = _creator(dataset, tag) if is_private else ""
    return TagRow(
        f"({tag[:4]},{tag[4:]})",
        _private_name(number, creator) if is_private else _name(number),
        str(element.get("vr", "")),
        _shown(element, place.lengths.get(place.path + tag)),
        keyword_for_tag(number),
        is_private,
        creator,
        place.parents,
    )


def _items(element: dict[str, Any]) -> list[JsonDataSet]:
    return [item or {} for item in element.get("Value", [])] if element.get("vr") == "SQ" else []


def _creator(dataset: JsonDataSet, tag: str) -> str:
    """Of (gggg,eexx) the value of (gggg,00ee); "" for what reserves a block itself."""
    if tag[4:6] == "00":
        return ""
    values = dataset.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value") or [""]
    return str(values[0] or "")


def _name(number: int) -> str:
    return str(dictionary_description(number)) if dictionary_has_tag(number) else ""


def _private_name(number: int, creator: str) -> str:
    """As pydicom knows it of some manufacturers."""
    if 0x10 <= number & 0xFFFF <= 0xFF:
        return "Private Creator"
    try:
        return str(private_dictionary_description(number, creator)).strip("[]") if creator else ""
    except KeyError:
        return ""


def _shown(element: dict[str, Any], length: int | None) -> str:
    if element.get("vr") == "SQ":
        count = len(element.get("Value", []))
        return f"{count} item{'' if count == 1 else 's'}"
    if "BulkDataURI" in element:
        return "not shown: long value" if length is None else f"not shown: {in_bytes(length)}"
    if "InlineBinary" in element:
        return _bytes(b64decode(element["InlineBinary"]))
    values = element.get("Value", [])
    text = "\\".join(_plain(value) for value in values[:MAX_VALUES])
    more = f" … {len(values) - MAX_VALUES} more" if len(values) > MAX_VALUES else ""
    return _cut(text) + more


def _bytes(content: bytes) -> str:
    """As text where it is nothing else: private attributes have lost their VR in many files."""
    text = content.decode("latin-1").rstrip("\0 ")
    if text.isascii() and text.isprintable():
        return f"{in_bytes(len(content))}: {_cut(text)}"
    more = " …" if len(content) > _SHOWN_BYTES else ""
    return f"{in_bytes(len(content))}: {content[:_SHOWN_BYTES].hex(' ')}{more}"


def _cut(text: str) -> str:
    if len(text) <= _MAX_CHARACTERS:
        return text
    return f"{text[:_MAX_CHARACTERS]}… {len(text) - _MAX_CHARACTERS} more characters"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "=".join(str(group) for group in value.values())
    return "" if value is None else str(value)
