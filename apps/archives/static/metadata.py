"""The metadata of one instance in the DICOM JSON model (PS3.18 F), pixels and long values left in the file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .dataset import Part10
from .elements import Element, Elements
from .frames import PIXEL_TAGS
from .values import BINARY_VRS, JsonDataSet, encodings_of, json_value, json_vr

INLINE_BINARY_BYTES = 1024
INLINE_OTHER_BYTES = 64 * 1024
_CHARACTER_SET = 0x00080005
_AVAILABLE_TRANSFER_SYNTAX = "00083002"
_PADDING = 0xFFFCFFFC


@dataclass(slots=True)
class Metadata:
    """`attributes` by tag, and offset, length and VR of what they leave to BulkDataURI, by path.

    A path is a tag, or tags and item numbers from 1: `00281201`, `54000100/1/54001010`.
    """

    attributes: JsonDataSet
    bulk: dict[str, tuple[int, int, str]] = field(default_factory=dict)


def metadata_of(part10: Part10, *, bulk_address: str) -> Metadata:
    """All attributes but group 2, group lengths and padding; text in Unicode, bulk under `bulk_address`/path."""
    return _MetadataMaker(part10, bulk_address).make()


class _MetadataMaker:
    def __init__(self, part10: Part10, bulk_address: str) -> None:
        self._part10 = part10
        self._bulk_address = bulk_address
        self._metadata = Metadata({})
        self._is_signed = part10.number(0x00280103) == 1

    def make(self) -> Metadata:
        attributes = self._data_set(self._part10.elements, "", ["iso8859"])
        attributes[_AVAILABLE_TRANSFER_SYNTAX] = {"vr": "UI", "Value": [self._part10.transfer_syntax_uid]}
        self._metadata.attributes = dict(sorted(attributes.items()))
        return self._metadata

    def _data_set(self, elements: Elements, prefix: str, outer_encodings: list[str]) -> JsonDataSet:
        encodings = self._encodings(elements) or outer_encodings
        return {f"{element.tag:08X}": self._attribute(element, prefix, encodings) for element in _kept(elements)}

    def _encodings(self, elements: Elements) -> list[str] | None:
        element = elements.get(_CHARACTER_SET)
        if element is None:
            return None
        raw = self._part10.source.read(element.offset, min(element.length, 256))
        return encodings_of([name.strip(" \0") for name in raw.decode("ascii", "replace").split("\\")])

    def _attribute(self, element: Element, prefix: str, encodings: list[str]) -> dict[str, Any]:
        path = f"{prefix}{element.tag:08X}"
        if element.items is not None:
            items = [
                self._data_set(item, f"{path}/{number}/", encodings) for number, item in enumerate(element.items, 1)
            ]
            return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        vr = json_vr(element.vr, is_signed=self._is_signed)
        if element.tag == _CHARACTER_SET:
            return {"vr": "CS", "Value": ["ISO_IR 192"]}
        if _is_bulk(element, vr):
            self._metadata.bulk[path] = (element.offset, element.length, vr)
            return {"vr": vr, "BulkDataURI": f"{self._bulk_address}/{path}"}
        raw = self._part10.source.read(element.offset, element.length)
        little = self._part10.is_little_endian
        return {"vr": vr, **json_value(vr, raw, is_little_endian=little, encodings=encodings)}


def _kept(elements: Elements) -> Iterator[Element]:
    for _, element in sorted(elements.items()):
        group = element.tag >> 16
        if element.tag & 0xFFFF and group > 2 and group != 0xFFFE and element.tag != _PADDING:
            yield element


def _is_bulk(element: Element, vr: str) -> bool:
    if element.tag in PIXEL_TAGS or element.fragments is not None:
        return True
    return element.length > (INLINE_BINARY_BYTES if vr in BINARY_VRS else INLINE_OTHER_BYTES)
