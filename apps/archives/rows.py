"""The columns and JSON of index rows, made from what the reader says about a file. Touches no database."""

import gzip
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from apps.archives.models import NAME_LENGTH, TEXT_LENGTH
from apps.archives.static.identity import Identity
from apps.archives.static.values import PERSON_NAME_GROUPS, JsonDataSet

_LARGEST_INTEGER = 2**31 - 1
_COMPRESSION = 6
# Returned for every match, empty when unknown (PS3.18 10.6.3.3).
_ALWAYS_IN_STUDY = {
    "00080020": "DA", "00080030": "TM", "00080050": "SH", "00080090": "PN", "00100010": "PN", "00100020": "LO",
    "00100030": "DA", "00100040": "CS", "00200010": "SH",
}  # fmt: skip
_ALWAYS_IN_SERIES = {"00080060": "CS", "00200011": "IS"}
_ALWAYS_IN_INSTANCE = {"00200013": "IS"}
# The JSON is in UTF-8 whatever the file was; the objects are there to be read at once.
_ADDED = {
    "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
    "00080056": {"vr": "CS", "Value": ["ONLINE"]},
}


class Columns(NamedTuple):
    """Of the rows that one file belongs to; that of the instance lacks what only who stores the file knows."""

    patient: dict[str, Any]
    study: dict[str, Any]
    series: dict[str, Any]
    instance: dict[str, Any]


class ColumnMaker:
    """Makes the columns of many files: those that files have alike are made once, and shared."""

    def __init__(self) -> None:
        self._shared: dict[tuple[str, ...], dict[str, Any]] = {}

    def columns(self, identity: Identity, description: Mapping[str, Any], metadata: bytes) -> Columns:
        """`description` is the rest of the header of `describe`, `metadata` its body."""
        found = description["attributes"]
        patient, study, series = (compact(found[level]) for level in ("patient", "study", "series"))
        uids = identity.study_instance_uid, identity.series_instance_uid
        return Columns(
            self._once(("patient", patient), lambda: _patient(found)),
            self._once(("study", uids[0], patient, study), lambda: _study(uids[0], found)),
            self._once(("series", uids[1], series), lambda: _series(uids[1], found)),
            _instance(identity, description, metadata),
        )

    def _once(self, key: tuple[str, ...], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def first_text(attributes: JsonDataSet, tag: str) -> str:
    """The first value as text, "" when there is none; the groups of a person name are joined by `=`."""
    values = attributes.get(tag, {}).get("Value") or [None]
    return "" if values[0] is None else storable(text_of(values[0]))


def text_of(value: Any) -> str:
    if isinstance(value, dict):
        return "=".join(str(value.get(group, "")).rstrip("^") for group in PERSON_NAME_GROUPS).rstrip("=")
    return str(value)


def first_integer(attributes: JsonDataSet, tag: str) -> int | None:
    """The first value as an integer that a column can hold, else None."""
    values = attributes.get(tag, {}).get("Value") or [None]
    value = values[0]
    return value if isinstance(value, int) and abs(value) <= _LARGEST_INTEGER else None


def date(text: str) -> str:
    """YYYYMMDD, also of the old YYYY.MM.DD; "" for anything else."""
    digits = text.replace(".", "")
    return digits if re.fullmatch(r"[0-9]{8}", digits) else ""


def time(text: str) -> str:
    """HHMMSS.FFFFFF as far as it is known, also of the old HH:MM:SS; "" for anything else."""
    plain = text.replace(":", "")
    return plain[:16] if re.fullmatch(r"[0-9]{2,6}(\.[0-9]*)?", plain) else ""


def storable(text: str) -> str:
    """Without what no database or UTF-8 takes: NUL characters, and surrogates that have no partner."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _patient(found: Mapping[str, JsonDataSet]) -> dict[str, Any]:
    attributes = found["patient"]
    return {
        "patient_id": first_text(attributes, "00100020"),
        "patient_name": first_text(attributes, "00100010")[:NAME_LENGTH],
    }


def _study(study_instance_uid: str, found: Mapping[str, JsonDataSet]) -> dict[str, Any]:
    attributes = _whole({**_empty(_ALWAYS_IN_STUDY), **found["patient"], **found["study"], **_ADDED})
    return {
        "study_instance_uid": study_instance_uid,
        "study_date": date(first_text(attributes, "00080020")),
        "study_time": time(first_text(attributes, "00080030")),
        "study_id": first_text(attributes, "00200010")[:TEXT_LENGTH],
        "accession_number": first_text(attributes, "00080050")[:TEXT_LENGTH],
        "study_description": first_text(attributes, "00081030")[:TEXT_LENGTH],
        "referring_physician_name": first_text(attributes, "00080090")[:NAME_LENGTH],
        "attributes": attributes,
    }


def _series(series_instance_uid: str, found: Mapping[str, JsonDataSet]) -> dict[str, Any]:
    attributes = _whole({**_empty(_ALWAYS_IN_SERIES), **found["series"], **_ADDED})
    return {
        "series_instance_uid": series_instance_uid,
        "modality": first_text(attributes, "00080060")[:16],
        "series_number": first_integer(attributes, "00200011"),
        "series_description": first_text(attributes, "0008103E")[:TEXT_LENGTH],
        "attributes": attributes,
    }


def _instance(identity: Identity, description: Mapping[str, Any], metadata: bytes) -> dict[str, Any]:
    attributes = _instance_attributes(identity, description["attributes"]["instance"])
    places = {key: description[key] for key in ("frames", "bulk", "is_inflated")}
    return {
        "sop_instance_uid": identity.sop_instance_uid,
        "sop_class_uid": identity.sop_class_uid,
        "transfer_syntax_uid": description["transfer_syntax_uid"],
        "instance_number": first_integer(attributes, "00200013"),
        "number_of_frames": description["frames"]["number"],
        "rows": first_integer(attributes, "00280010"),
        "columns": first_integer(attributes, "00280011"),
        "attributes": compact(attributes),
        "metadata": gzip.compress(metadata, _COMPRESSION, mtime=0),
        "frames": gzip.compress(compact(places).encode(), mtime=0),
    }


def _instance_attributes(identity: Identity, found: JsonDataSet) -> JsonDataSet:
    return _whole(
        {
            **_empty(_ALWAYS_IN_INSTANCE),
            **found,
            **_ADDED,
            "00081190": {"vr": "UR", "Value": [identity.address]},
            "0020000D": {"vr": "UI", "Value": [identity.study_instance_uid]},
            "0020000E": {"vr": "UI", "Value": [identity.series_instance_uid]},
        }
    )


def _empty(vrs: dict[str, str]) -> JsonDataSet:
    return {tag: {"vr": vr} for tag, vr in vrs.items()}


def _whole(attributes: JsonDataSet) -> JsonDataSet:
    """Sorted by tag, as PS3.18 F.2.2 has it."""
    return {tag: _storable(attributes[tag]) for tag in sorted(attributes)}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    return value
