"""Where each data element of a data set lies (PS3.5 7), found without reading large values."""

from struct import Struct
from typing import NamedTuple

from pydicom.datadict import dictionary_VR

from .refusals import FileRefused
from .source import FileSource

MAX_DEPTH = 32
MAX_ELEMENTS = 2_000_000
PIXEL_DATA = 0x7FE00010

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT_VRS = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
_KNOWN_VRS = {*_SHORT_VRS.split(), *(vr.decode() for vr in _LONG_VRS - {b"UN"})}
_BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
_CUT_SHORT = "The file is cut short: element {} goes on beyond its end."
_BROKEN = "The file is damaged: sequence {} is not made of items."


class Element(NamedTuple):
    """One element: its value at `offset`, `length` bytes; a sequence has `items`, encapsulated data `fragments`."""

    tag: int
    vr: str
    offset: int
    length: int
    items: "list[Elements] | None" = None
    fragments: list[tuple[int, int]] | None = None


Elements = dict[int, Element]


class Syntax(NamedTuple):
    """How element headers are written."""

    is_implicit: bool
    is_little_endian: bool


_STRUCTS = {little: (Struct(f"{order}HHL"), Struct(f"{order}L")) for little, order in ((True, "<"), (False, ">"))}
_IMPLICIT_LITTLE = Syntax(is_implicit=True, is_little_endian=True)


def tag_name(tag: int) -> str:
    """A tag as people write it: (0010,0020)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


class Scanner:
    """Walks one file; the count of elements is bounded over the whole file."""

    def __init__(self, source: FileSource) -> None:
        self._source = source
        self._count = 0

    def scan(
        self, start: int, end: int, syntax: Syntax, depth: int = 0, *, is_open: bool = False
    ) -> tuple[Elements, int]:
        """Elements from `start` to `end`, or to the item delimiter where one must come, and the offset behind them.

        Raises FileRefused for what is cut short, damaged or nested more than 32 deep.
        """
        if depth > MAX_DEPTH:
            raise FileRefused(f"The file nests sequences more than {MAX_DEPTH} deep, which is not accepted.")
        elements: Elements = {}
        position = start
        while position + 8 <= end:
            tag, vr, length, value = self._header(position, syntax)
            if tag == _ITEM_END:
                return elements, value
            element, position = self._element(tag, vr, length, value, end, syntax, depth)
            elements.setdefault(tag, element)
        if is_open or any(self._source.read(position, end - position)):
            raise FileRefused("The file is cut short: its last element is not whole.")
        return elements, end

    def first(self, start: int, end: int, syntax: Syntax) -> Element:
        """The element that begins at `start`; raises FileRefused when it is not whole before `end`."""
        if start + 8 > end:
            raise FileRefused("The file is cut short: its last element is not whole.")
        tag, vr, length, value = self._header(start, syntax)
        element, _ = self._element(tag, vr, length, value, end, syntax, depth=0)
        return element

    def _header(self, position: int, syntax: Syntax) -> tuple[int, str, int, int]:
        raw = self._source.read(position, 12)
        group_and_length, long_length = _STRUCTS[syntax.is_little_endian]
        group, number, length = group_and_length.unpack_from(raw)
        tag = group << 16 | number
        vr = raw[4:6]
        if syntax.is_implicit or group == 0xFFFE or not (vr.isalpha() and vr.isupper()):
            # Some writers fall into implicit VR inside explicit files.
            return tag, "", length, position + 8
        if vr not in _LONG_VRS:
            # The low half of the four length bytes belongs to the VR.
            return tag, vr.decode(), length >> 16 if syntax.is_little_endian else length & 0xFFFF, position + 8
        if len(raw) < 12:
            raise FileRefused(_CUT_SHORT.format(tag_name(tag)))
        return tag, vr.decode(), long_length.unpack_from(raw, 8)[0], position + 12

    def _element(
        self, tag: int, vr: str, length: int, value: int, end: int, syntax: Syntax, depth: int
    ) -> tuple[Element, int]:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise FileRefused("The file holds more than two million elements, which is not accepted.")
        if length == _UNDEFINED:
            return self._undefined(tag, vr, value, end, syntax, depth)
        if value + length > end:
            raise FileRefused(_CUT_SHORT.format(tag_name(tag)))
        known_vr = vr if vr in _KNOWN_VRS else vr_from_dictionary(tag)
        if known_vr != "SQ":
            return Element(tag, known_vr, value, length), value + length
        inner = _IMPLICIT_LITTLE if vr == "UN" else syntax
        items, _ = self._items(tag, value, value + length, inner, depth, is_open=False)
        return Element(tag, "SQ", value, length, items), value + length

    def _undefined(self, tag: int, vr: str, value: int, end: int, syntax: Syntax, depth: int) -> tuple[Element, int]:
        if tag == PIXEL_DATA or vr in _BINARY_VRS:
            fragments, after = self._fragments(tag, value, end, syntax)
            return Element(tag, vr or "OB", value, after - value, None, fragments), after
        # PS3.5 6.2.2: UN of undefined length is a sequence in implicit VR little endian.
        inner = _IMPLICIT_LITTLE if vr == "UN" else syntax
        items, after = self._items(tag, value, end, inner, depth, is_open=True)
        return Element(tag, "SQ", value, after - value, items), after

    def _items(
        self, tag: int, start: int, end: int, syntax: Syntax, depth: int, *, is_open: bool
    ) -> tuple[list[Elements], int]:
        items: list[Elements] = []
        position = start
        while position + 8 <= end:
            item_tag, _, length, value = self._header(position, syntax)
            if item_tag == _SEQUENCE_END:
                return items, value
            if item_tag != _ITEM:
                raise FileRefused(_BROKEN.format(tag_name(tag)))
            item_end = end if length == _UNDEFINED else value + length
            if item_end > end:
                raise FileRefused(_CUT_SHORT.format(tag_name(tag)))
            item, position = self.scan(value, item_end, syntax, depth + 1, is_open=length == _UNDEFINED)
            items.append(item)
        if is_open:
            raise FileRefused(_CUT_SHORT.format(tag_name(tag)))
        return items, position

    def _fragments(self, tag: int, start: int, end: int, syntax: Syntax) -> tuple[list[tuple[int, int]], int]:
        header, _ = _STRUCTS[syntax.is_little_endian]
        fragments: list[tuple[int, int]] = []
        position = start
        while position + 8 <= end:
            group, number, length = header.unpack(self._source.peek(position, 8))
            item_tag = group << 16 | number
            if item_tag == _SEQUENCE_END:
                return fragments, position + 8
            if item_tag != _ITEM:
                raise FileRefused(_BROKEN.format(tag_name(tag)))
            fragments.append((position + 8, length))
            position += 8 + length
        raise FileRefused(_CUT_SHORT.format(tag_name(tag)))


def vr_from_dictionary(tag: int) -> str:
    """The VR that PS3.6 gives; UN for private elements, LO for private creators, and the first of several."""
    if tag >> 16 & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    if not tag & 0xFFFF:
        return "UL"
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"
