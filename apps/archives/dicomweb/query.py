"""Query parameters of a search (PS3.18 8.3.4, 10.6.1): what to match, what to return, how much."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from django.http import QueryDict
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword

from apps.archives.static.describe import INSTANCE_TAGS, PATIENT_TAGS, SERIES_TAGS, STUDY_TAGS

MAX_RESULTS = 5000
MAX_VALUE_LENGTH = 4096
MODALITIES_IN_STUDY = "00080061"
_LARGEST = 10**9
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_ATTRIBUTES = frozenset(
    {"accept", "limit", "offset", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching"}
)
_WILD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


class Level(StrEnum):
    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


SEARCHABLE: Mapping[Level, frozenset[str]] = {
    Level.STUDY: PATIENT_TAGS | STUDY_TAGS | {MODALITIES_IN_STUDY},
    Level.SERIES: PATIENT_TAGS | STUDY_TAGS | SERIES_TAGS | {MODALITIES_IN_STUDY},
    Level.INSTANCE: PATIENT_TAGS | STUDY_TAGS | SERIES_TAGS | INSTANCE_TAGS | {MODALITIES_IN_STUDY},
}


class QueryInvalid(Exception):
    """A query parameter cannot be understood; the message says which and why."""


@dataclass(frozen=True)
class Match:
    """An attribute, or one in the items of a sequence (`path` has both tags), that must have a value, or none."""

    path: tuple[str, ...]
    vr: str
    value: str
    is_empty: bool = False

    @property
    def is_wild(self) -> bool:
        return self.vr in _WILD_VRS and bool(re.search(r"[*?]", self.value))


@dataclass(frozen=True)
class Query:
    """Of each of `matches` one alternative must fit."""

    matches: tuple[tuple[Match, ...], ...]
    included: frozenset[str]
    includes_all: bool
    limit: int | None
    offset: int
    is_fuzzy: bool


def parse(level: Level, parameters: QueryDict) -> Query:
    """Raises QueryInvalid. An empty value matches everything, and so does `*`."""
    fields = [field for value in parameters.getlist("includefield") for field in value.split(",") if field]
    found = [_match(level, name, values) for name, values in parameters.lists() if name not in _NO_ATTRIBUTES]
    has_empty, has_several = (_is_true(parameters, f"{kind}valuematching") for kind in ("empty", "multiple"))
    matches = [_alternatives(match, has_empty=has_empty, has_several=has_several) for match in found]
    return Query(
        matches=tuple(one for one in matches if all(match.is_empty or match.value.strip("*") for match in one)),
        included=frozenset(path[0] for path in map(_path, _but_all(fields))),
        includes_all="all" in fields,
        limit=_number(parameters, "limit"),
        offset=_number(parameters, "offset") or 0,
        is_fuzzy=_is_true(parameters, "fuzzymatching"),
    )


def bounds(value: str, pattern: str, name: str) -> tuple[str, str]:
    """First and last of a range `a-b`, `a-`, `-b`, or twice the value itself (PS3.4 C.2.2.2.5)."""
    first, dash, last = value.partition("-")
    if not dash:
        last = first
    if (not first and not last) or any(end and not re.fullmatch(pattern, end) for end in (first, last)):
        raise QueryInvalid(f"{name} is no value and no range: {value!r}.")
    return first, last


def _match(level: Level, name: str, values: Iterable[str]) -> Match:
    path = _path(name)
    if path[0] not in SEARCHABLE[level]:
        raise QueryInvalid(f"This archive cannot search {_PLURAL[level]} by {name!r}.")
    value, *others = values
    if others:
        raise QueryInvalid(f"{name} is given more than once.")
    if len(value) > MAX_VALUE_LENGTH or _CONTROL.search(value):
        raise QueryInvalid(f"The value of {name} is too long or has control characters.")
    number = int(path[-1], 16)
    return Match(path, dictionary_VR(number) if dictionary_has_tag(number) else "UN", value.strip())


def _alternatives(match: Match, *, has_empty: bool, has_several: bool) -> tuple[Match, ...]:
    """PS3.18 8.3.4.5 and 8.3.4.6, PS3.4 C.2.2.2.8 and C.2.2.2.9: `""` is no value, backslashes divide several."""
    values = match.value.split("\\") if has_several and match.vr != "UI" else [match.value]
    return tuple(replace(match, value=value.strip(), is_empty=has_empty and value.strip() == '""') for value in values)


_PLURAL = {Level.STUDY: "studies", Level.SERIES: "series", Level.INSTANCE: "instances"}


def _path(name: str) -> tuple[str, ...]:
    return tuple(_tag(part, name) for part in name.split("."))


def _tag(part: str, name: str) -> str:
    """A tag as the DICOM JSON model writes it, from that or from a keyword."""
    if re.fullmatch(r"[0-9A-Fa-f]{8}", part):
        tag: int | None = int(part, 16)
    else:
        tag = tag_for_keyword(part)
    if tag is None:
        raise QueryInvalid(f"There is no query parameter and no attribute {name!r}.")
    return f"{tag:08X}"


def _but_all(fields: Iterable[str]) -> list[str]:
    return [field for field in fields if field != "all"]


def _number(parameters: QueryDict, name: str) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > _LARGEST:
        raise QueryInvalid(f"{name} is no whole number from 0 to {_LARGEST}.")
    return int(text)


def _is_true(parameters: QueryDict, name: str) -> bool:
    text = parameters.get(name, "false")
    if text not in ("true", "false"):
        raise QueryInvalid(f"{name} is neither true nor false.")
    return text == "true"
