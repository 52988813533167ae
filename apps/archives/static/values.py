"""Values of elements as the DICOM JSON model has them (PS3.18 F.2)."""

import math
import re
from base64 import b64encode
from collections.abc import Callable
from struct import iter_unpack
from typing import Any

from pydicom.charset import convert_encodings, decode_bytes

JsonDataSet = dict[str, dict[str, Any]]
"""One DICOM JSON object: elements by tag, eight hexadecimal digits."""

_NUMBER_FORMATS = {
    "FD": "d", "FL": "f", "SL": "l", "SS": "h", "SV": "q", "UL": "L", "US": "H", "UV": "Q",
    "US or SS": "H", "US or OW": "H", "US or SS or OW": "H",
}  # fmt: skip
_NUMBER_BYTES = {"d": 8, "f": 4, "l": 4, "h": 2, "q": 8, "L": 4, "H": 2, "Q": 8}
_SINGLE_TEXT = frozenset({"LT", "ST", "UR", "UT"})
_OTHER_CHARACTER_SETS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([Ee][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
PERSON_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_DELIMITERS = {"PN": {0x5C, 0x3D, 0x5E}}
# VRs of words that big endian files write the other way round; all others are bytes.
WORD_BYTES = {
    "AT": 2, "OW": 2, "SS": 2, "US": 2, "FL": 4, "OF": 4, "OL": 4, "SL": 4, "UL": 4,
    "FD": 8, "OD": 8, "OV": 8, "SV": 8, "UV": 8,
}  # fmt: skip
BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"})


def encodings_of(character_sets: list[str]) -> list[str]:
    """Python encodings for the values of SpecificCharacterSet; an unknown one is read as ASCII."""
    try:
        return list(convert_encodings(character_sets or [""]))
    except (LookupError, ValueError):
        return ["iso8859"]


def json_vr(vr: str, *, is_signed: bool) -> str:
    """One VR where PS3.6 leaves a choice: by PixelRepresentation for numbers, OW for bytes or words."""
    if not vr.isupper():
        return "OW" if vr == "OB or OW" else ("SS" if is_signed and vr.startswith("US or SS") else "US")
    return vr


def json_value(vr: str, raw: bytes, *, is_little_endian: bool, encodings: list[str]) -> dict[str, Any]:
    """`Value` or `InlineBinary` of one element that is no sequence; empty for an empty value."""
    if vr in BINARY_VRS:
        return {"InlineBinary": b64encode(raw).decode()} if raw else {}
    values = _values(vr, raw, is_little_endian, encodings)
    return {"Value": values} if any(value is not None for value in values) else {}


def _values(vr: str, raw: bytes, is_little_endian: bool, encodings: list[str]) -> list[Any]:
    if vr in _NUMBER_FORMATS:
        return _binary_numbers(_NUMBER_FORMATS[vr], raw, is_little_endian)
    if vr == "AT":
        pairs = _unpacked("HH", raw, 4, is_little_endian)
        return [f"{group:04X}{number:04X}" for group, number in pairs]
    text = _text(vr, raw, encodings)
    if vr in _SINGLE_TEXT:
        return [text.rstrip(" \0") or None]
    convert = _CONVERTERS.get(vr, _plain)
    return [convert(part) for part in text.rstrip(" \0").split("\\")]


def _text(vr: str, raw: bytes, encodings: list[str]) -> str:
    if vr not in _OTHER_CHARACTER_SETS or (raw.isascii() and b"\x1b" not in raw):
        return raw.decode("ascii", "replace")
    try:
        return str(decode_bytes(raw, encodings, _DELIMITERS.get(vr, {0x5C})))
    except (UnicodeError, LookupError):
        return raw.decode("ascii", "replace")


def _plain(text: str) -> str | None:
    return text.strip(" \0") or None


def _person_name(text: str) -> dict[str, str] | None:
    groups = (group.strip(" \0") for group in text.split("="))
    name = {key: group for key, group in zip(PERSON_NAME_GROUPS, groups, strict=False) if group}
    return name or None


def _decimal(text: str) -> float | str | None:
    stripped = text.strip(" \0")
    if _INTEGER.fullmatch(stripped):
        return int(stripped)
    number = float(stripped) if _DECIMAL.fullmatch(stripped) else math.nan
    return number if math.isfinite(number) else stripped or None


def _integer(text: str) -> int | str | None:
    stripped = text.strip(" \0")
    return int(stripped) if _INTEGER.fullmatch(stripped) else stripped or None


_CONVERTERS: dict[str, Callable[[str], Any]] = {"PN": _person_name, "DS": _decimal, "IS": _integer}


def _binary_numbers(code: str, raw: bytes, is_little_endian: bool) -> list[float | int | str]:
    numbers = (number for (number,) in _unpacked(code, raw, _NUMBER_BYTES[code], is_little_endian))
    if code not in "fd":
        return list(numbers)
    # JSON has no NaN or infinity; strings are what other archives write, and float() reads them.
    return [number if math.isfinite(number) else _NOT_FINITE[str(number)] for number in numbers]


_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _unpacked(code: str, raw: bytes, size: int, is_little_endian: bool) -> list[tuple[Any, ...]]:
    whole = len(raw) - len(raw) % size
    return list(iter_unpack(("<" if is_little_endian else ">") + code, raw[:whole]))
