"""Attribute matching (PS3.4 C.2.2.2, PS3.18 8.3.4.1): by the columns that the database has, else on a row's JSON."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Q

from apps.archives.dicomweb.query import MODALITIES_IN_STUDY, Level, Match, Query, QueryInvalid, bounds
from apps.archives.rows import text_of
from apps.archives.static.values import JsonDataSet

Test = Callable[[JsonDataSet], bool]

_DATE, _TIME = r"[0-9]{8}", r"[0-9]{2,6}(\.[0-9]{0,6})?"
_DATE_TIME = r"[0-9]{4,14}(\.[0-9]{0,6})?"
_PATTERNS = {"DA": _DATE, "TM": _TIME, "DT": _DATE_TIME}
_NUMBER_VRS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_UID_SEPARATORS = re.compile(r"[,\\]")
# Behind every digit and the point: "1015" as an end takes in 10:15:59.9.
_BEHIND_DIGITS = ":"


class Column(NamedTuple):
    """Where a searchable attribute is: the lookup from its own level, and what divides several values in it."""

    level: Level
    name: str
    divider: str = ""


_COLUMNS = {
    "00080020": Column(Level.STUDY, "study_date"),
    "00080030": Column(Level.STUDY, "study_time"),
    "00080050": Column(Level.STUDY, "accession_number"),
    MODALITIES_IN_STUDY: Column(Level.STUDY, "modalities", "\\"),
    "00080090": Column(Level.STUDY, "referring_physician_name", "="),
    "00081030": Column(Level.STUDY, "study_description"),
    "00100010": Column(Level.STUDY, "patient__patient_name", "="),
    "00100020": Column(Level.STUDY, "patient__patient_id"),
    "0020000D": Column(Level.STUDY, "study_instance_uid"),
    "00200010": Column(Level.STUDY, "study_id"),
    "00080060": Column(Level.SERIES, "modality"),
    "0008103E": Column(Level.SERIES, "series_description"),
    "0020000E": Column(Level.SERIES, "series_instance_uid"),
    "00200011": Column(Level.SERIES, "series_number"),
    "00080016": Column(Level.INSTANCE, "sop_class_uid"),
    "00080018": Column(Level.INSTANCE, "sop_instance_uid"),
    "00200013": Column(Level.INSTANCE, "instance_number"),
}
_WAY_UP = {
    (Level.STUDY, Level.STUDY): "",
    (Level.SERIES, Level.SERIES): "",
    (Level.SERIES, Level.STUDY): "study__",
    (Level.INSTANCE, Level.INSTANCE): "",
    (Level.INSTANCE, Level.SERIES): "series__",
    (Level.INSTANCE, Level.STUDY): "series__study__",
}


def conditions(level: Level, query: Query) -> tuple[Q, list[Test]]:
    """What the database can test, and tests of the attributes of a row and those above it for the rest.

    Raises QueryInvalid.
    """
    in_database = Q()
    tests: list[Test] = []
    for alternatives in query.matches:
        path = alternatives[0].path
        column = _COLUMNS.get(path[0]) if len(path) == 1 else None
        if column is None:
            tests.append(_any_of([_test(match) for match in alternatives]))
        else:
            lookup = _WAY_UP[level, column.level] + column.name
            in_database &= reduce(or_, (_condition(match, lookup, column.divider) for match in alternatives))
            if any(match.vr == "PN" and not match.value.isascii() for match in alternatives):
                tests.append(_any_of([_test(match) for match in alternatives]))
    return in_database, tests


def _any_of(tests: list[Test]) -> Test:
    return lambda attributes: any(test(attributes) for test in tests)


def _condition(match: Match, lookup: str, divider: str) -> Q:
    if match.is_empty:
        return Q(**{f"{lookup}__isnull": True}) if match.vr in _NUMBER_VRS else Q(**{lookup: ""})
    if match.vr in ("DA", "TM"):
        return _in_range(match, lookup)
    if match.vr == "UI":
        return Q(**{f"{lookup}__in": _uids(match.value)})
    if match.vr in _NUMBER_VRS:
        return Q(**{lookup: _integer(match)})
    return _text_condition(match, lookup, divider)


def _text_condition(match: Match, lookup: str, divider: str) -> Q:
    if match.vr == "PN":
        # Not every database knows upper and lower case of all letters: names that have such are tested again.
        return _wild(f"{lookup}__wild_in_any_case", re.sub(r"[^\x00-\x7f]", "?", _plain(match)), divider)
    if match.is_wild or divider:
        return _wild(f"{lookup}__wild", match.value, divider)
    return Q(**{lookup: match.value})


def _in_range(match: Match, lookup: str) -> Q:
    first, last = bounds(match.value, _PATTERNS[match.vr], match.path[-1])
    wanted = Q(**{f"{lookup}__gte": first}) if first else Q(**{f"{lookup}__gt": ""})
    return wanted & Q(**{f"{lookup}__lt": last + _BEHIND_DIGITS}) if last else wanted


def _wild(lookup: str, pattern: str, divider: str) -> Q:
    """The whole of the column, or what stands in it between dividers."""
    patterns = [pattern]
    if divider:
        patterns += [f"{pattern}{divider}*", f"*{divider}{pattern}", f"*{divider}{pattern}{divider}*"]
    return reduce(or_, (Q(**{lookup: one}) for one in patterns))


def _plain(match: Match) -> str:
    return match.value.rstrip("^") if match.vr == "PN" else match.value


def _uids(value: str) -> list[str]:
    return [uid.strip() for uid in _UID_SEPARATORS.split(value)]


def _integer(match: Match) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", match.value):
        raise QueryInvalid(f"{match.path[-1]} is no whole number: {match.value!r}.")
    return int(match.value)


def _test(match: Match) -> Test:
    if match.is_empty:
        return lambda attributes: not any(_texts(attributes, match.path))
    is_wanted = _value_test(match)
    return lambda attributes: any(is_wanted(text) for text in _texts(attributes, match.path))


def _value_test(match: Match) -> Callable[[str], bool]:
    if match.vr in _PATTERNS:
        first, last = bounds(match.value, _PATTERNS[match.vr], match.path[-1])
        return lambda text: bool(text) and text >= first and (not last or text < last + _BEHIND_DIGITS)
    if match.vr == "UI":
        uids = frozenset(_uids(match.value))
        return lambda text: text in uids
    if match.vr in _NUMBER_VRS:
        return _number_test(match)
    if match.is_wild or match.vr == "PN":
        # fnmatch knows sets of characters in brackets, which DICOM does not.
        case = re.IGNORECASE if match.vr == "PN" else re.NOFLAG
        pattern = re.compile(fnmatch.translate(_plain(match).replace("[", "[[]")), case)
        return lambda text: pattern.match(text) is not None
    return lambda text: text == match.value


def _number_test(match: Match) -> Callable[[str], bool]:
    try:
        wanted = float(match.value)
    except ValueError:
        raise QueryInvalid(f"{match.path[-1]} is no number: {match.value!r}.") from None
    return lambda text: _as_number(text) == wanted


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _texts(attributes: JsonDataSet, path: tuple[str, ...]) -> Iterator[str]:
    """All values at a path as text, each group of a person name by itself."""
    values: Iterable[Any] = attributes.get(path[0], {}).get("Value", [])
    for value in values:
        if len(path) > 1:
            yield from _texts(value, path[1:]) if isinstance(value, dict) else ()
        elif value is not None:
            yield from text_of(value).split("=") if isinstance(value, dict) else [str(value)]
