"""Searching the index (QIDO-RS, PS3.18 10.6), and its rows as DICOM JSON."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet

from apps.archives.dicomweb.matching import Test, conditions
from apps.archives.dicomweb.query import MAX_RESULTS, MODALITIES_IN_STUDY, SEARCHABLE, Level, Query
from apps.archives.models import Archive, Instance, Series, Study
from apps.archives.rows import compact
from apps.archives.selectors import ORDER
from apps.archives.static.describe import INSTANCE_TAGS
from apps.archives.static.values import JsonDataSet

_CHUNK = 500
_ALWAYS = Q()


@dataclass(frozen=True)
class Scope:
    """Where a search looks: an archive, one study of it, or one series."""

    archive: Archive
    study_instance_uid: str = ""
    series_instance_uid: str = ""


@dataclass(frozen=True)
class Found:
    """Matches as DICOM JSON objects; `is_cut` when there are more, `remaining` how many if that is known.

    `opened` are the studies of whose objects more is shown than the index has for searching: their own metadata.
    """

    objects: list[str]
    is_cut: bool = False
    remaining: int | None = None
    opened: tuple[Study, ...] = ()


def search(level: Level, scope: Scope, query: Query, root: str) -> Found:
    """Matches in a stable order, their addresses below `root`, that of the service. Raises QueryInvalid."""
    in_database, tests = conditions(level, query)
    rows = _rows(level, scope).filter(in_database)
    wanted = MAX_RESULTS if query.limit is None else min(query.limit, MAX_RESULTS)
    page = slice(query.offset, query.offset + wanted + 1)
    opened: dict[int, Study] = {}
    if level is Level.INSTANCE and not tests and _is_stored_whole(scope, query):
        made = list(rows.values_list("attributes", flat=True)[page])
    else:
        found = islice(_passing(level, rows, tests), page.start, page.stop) if tests else rows[page]
        made = []
        for row in found:
            if len(made) < wanted and _opens(level, query):
                opened[row.series.study_id] = row.series.study
            made.append(compact(_returned(level, row, scope, query)))
    objects = _absolute(made[:wanted], root)
    if len(made) <= wanted:
        return Found(objects, opened=tuple(opened.values()))
    remaining = None if tests else rows.count() - query.offset - wanted
    return Found(objects, is_cut=True, remaining=remaining, opened=tuple(opened.values()))


# The addresses in stored JSON are relative to the service. What is looked for cannot stand in a value: there its quotes
# would be escaped.
_RETRIEVE_URL, _BULK_DATA_URI = '"00081190":{"vr":"UR","Value":["', b'"BulkDataURI":"'


def every(level: Level, scope: Scope, condition: Q = _ALWAYS) -> Iterator[bytes]:
    """All in the scope as DICOM JSON objects, as a search without parameters finds them; addresses are relative.

    With a condition, those of its rows alone.
    """
    query = Query((), frozenset(), includes_all=False, limit=None, offset=0, is_fuzzy=False)
    rows = _rows(level, scope).filter(condition)
    if level is Level.INSTANCE and _is_stored_whole(scope, query):
        yield from map(str.encode, rows.values_list("attributes", flat=True).iterator(_CHUNK))
        return
    for row in rows.iterator(_CHUNK):
        yield compact(_returned(level, row, scope, query)).encode()


def placed(text: bytes, old: str, new: str) -> bytes:
    """DICOM JSON whose addresses that begin with `old` begin with `new`."""
    for mark in (_RETRIEVE_URL.encode(), _BULK_DATA_URI):
        text = text.replace(mark + old.encode(), mark + new.encode())
    return text


def absolute_bulk(metadata: bytes, root: str) -> bytes:
    """One DICOM JSON object of metadata, every BulkDataURI below `root`."""
    return metadata.replace(_BULK_DATA_URI + b"studies/", _BULK_DATA_URI + f"{root}/studies/".encode())


def _absolute(texts: list[str], root: str) -> list[str]:
    """All in one go, since they are many and short; the JSON that is stored has no line breaks."""
    retrievable = "\n".join(texts).replace(f"{_RETRIEVE_URL}studies/", f"{_RETRIEVE_URL}{root}/studies/")
    return absolute_bulk(retrievable.encode(), root).decode().split("\n") if texts else []


def _rows(level: Level, scope: Scope) -> QuerySet[Any]:
    if level is Level.STUDY:
        return Study.objects.filter(archive=scope.archive).order_by("-study_date", "-pk")
    if level is Level.SERIES:
        series = Series.objects.filter(_in_scope(scope, "")).select_related("study")
        return series.order_by("study_id", "series_number", "pk")
    instances = Instance.objects.filter(_in_scope(scope, "series__")).select_related("series__study").defer("frames")
    return instances.order_by("series_id", *ORDER)


def _in_scope(scope: Scope, way_to_series: str) -> Q:
    condition = Q(archive=scope.archive)
    if scope.study_instance_uid:
        condition &= Q(**{f"{way_to_series}study__study_instance_uid": scope.study_instance_uid})
    if scope.series_instance_uid:
        condition &= Q(**{f"{way_to_series}series_instance_uid": scope.series_instance_uid})
    return condition


def _is_stored_whole(scope: Scope, query: Query) -> bool:
    """Whether the stored JSON of an instance is all that is to be returned."""
    return bool(scope.series_instance_uid) and not query.includes_all and query.included <= INSTANCE_TAGS


def _passing(level: Level, rows: QuerySet[Any], tests: list[Test]) -> Iterator[Any]:
    for row in rows.iterator(chunk_size=_CHUNK):
        attributes = {tag: value for part in _parts(level, row).values() for tag, value in part.items()}
        if all(test(attributes) for test in tests):
            yield row


def _returned(level: Level, row: Any, scope: Scope, query: Query) -> JsonDataSet:
    """All attributes of the row's own level, of levels above what the address does not say, and what is asked for."""
    given = {Level.STUDY: bool(scope.study_instance_uid), Level.SERIES: bool(scope.series_instance_uid)}
    returned: JsonDataSet = {}
    if _opens(level, query):
        metadata = json.loads(gzip.decompress(row.metadata))
        returned.update(metadata if query.includes_all else _only(metadata, query.included))
    for part_level, part in _parts(level, row).items():
        is_whole = query.includes_all or part_level is level or not given[part_level]
        returned.update(part if is_whole else _only(part, query.included))
    return dict(sorted(returned.items()))


def _opens(level: Level, query: Query) -> bool:
    """Whether what is asked for is in the metadata of objects alone."""
    return level is Level.INSTANCE and bool(query.includes_all or query.included - SEARCHABLE[level])


def _only(attributes: JsonDataSet, tags: Iterable[str]) -> JsonDataSet:
    return {tag: attributes[tag] for tag in tags if tag in attributes}


def _parts(level: Level, row: Any) -> dict[Level, JsonDataSet]:
    """Attributes by level, from the study down to the row's own."""
    if level is Level.STUDY:
        return {Level.STUDY: _study_json(row)}
    if level is Level.SERIES:
        return {Level.STUDY: _study_json(row.study), Level.SERIES: _series_json(row)}
    return {
        Level.STUDY: _study_json(row.series.study),
        Level.SERIES: _series_json(row.series),
        Level.INSTANCE: json.loads(row.attributes),
    }


def _study_json(study: Study) -> JsonDataSet:
    modalities = study.modalities.split("\\") if study.modalities else []
    return {
        **study.attributes,
        MODALITIES_IN_STUDY: {"vr": "CS", "Value": modalities} if modalities else {"vr": "CS"},
        "00081190": {"vr": "UR", "Value": [f"studies/{study.study_instance_uid}"]},
        "00201206": {"vr": "IS", "Value": [study.series_count]},
        "00201208": {"vr": "IS", "Value": [study.instance_count]},
    }


def _series_json(series: Series) -> JsonDataSet:
    study_instance_uid = series.study.study_instance_uid
    address = f"studies/{study_instance_uid}/series/{series.series_instance_uid}"
    return {
        **series.attributes,
        "00081190": {"vr": "UR", "Value": [address]},
        "0020000D": {"vr": "UI", "Value": [study_instance_uid]},
        "00201209": {"vr": "IS", "Value": [series.instance_count]},
    }
