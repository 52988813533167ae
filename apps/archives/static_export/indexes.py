"""What the export has of an archive, a study or a series as a whole: lists, metadata, a thumbnail."""

import re
from collections.abc import Iterable, Iterator

from django.db.models import Q

from apps.archives.dicomweb.answers import array
from apps.archives.dicomweb.presentation import THUMBNAIL_PIXELS
from apps.archives.dicomweb.query import Level
from apps.archives.dicomweb.search import Scope, every
from apps.archives.models import Archive, Instance, Series, Study
from apps.archives.port import ImageStore, Look
from apps.archives.selectors import ORDER
from apps.archives.static_export.addresses import Addresses
from apps.archives.static_export.instances import InstanceExport
from apps.archives.static_export.resources import JSON, THUMBNAIL, Resource

_ROWS_AT_ONCE = 200
_IS_NAME = re.compile(r"[A-Z0-9_]+").fullmatch
_ALL = "series"
_OF_MODALITY, _OF_SERIES = f"{_ALL}/Modality", f"{_ALL}/SeriesInstanceUID"


def path_of_one(series_instance_uid: str) -> str:
    """Of the list of all series with that UID, which a web server finds by what it is asked for."""
    return f"{_OF_SERIES}/{series_instance_uid}"


class Indexes:
    def __init__(self, archive: Archive, addresses: Addresses) -> None:
        self._archive = archive
        self._addresses = addresses

    def modalities(self) -> set[str]:
        """Of all series, but for what could not be the name of a file."""
        found = self._archive.series.order_by().values_list("modality", flat=True).distinct()
        return {modality for modality in found if _IS_NAME(modality)}

    def of_archive(self, modalities: Iterable[str]) -> Iterator[Resource]:
        """With a list of the series of each of these modalities."""
        scope = Scope(self._archive)
        yield self._list("studies", Level.STUDY, scope)
        yield self._list(_ALL, Level.SERIES, scope)
        yield self._list("instances", Level.INSTANCE, scope)
        for modality in modalities:
            yield self._series(f"{_OF_MODALITY}/{modality}", Q(modality=modality))

    def of_study(self, study: Study) -> Iterator[Resource]:
        path, scope = f"studies/{study.study_instance_uid}", Scope(self._archive, study.study_instance_uid)
        yield self._list(f"{path}/series", Level.SERIES, scope)
        yield self._list(f"{path}/instances", Level.INSTANCE, scope)
        yield self._metadata(f"{path}/metadata", study.series.order_by("pk"))
        for uid in study.series.values_list("series_instance_uid", flat=True):
            yield self._series(path_of_one(uid), Q(series_instance_uid=uid))

    def of_series(self, series: Series) -> Iterator[Resource]:
        study_uid, series_uid = series.study.study_instance_uid, series.series_instance_uid
        path = f"studies/{study_uid}/series/{series_uid}"
        yield self._list(f"{path}/instances", Level.INSTANCE, Scope(self._archive, study_uid, series_uid))
        yield self._metadata(f"{path}/metadata", [series])

    def _series(self, path: str, condition: Q) -> Resource:
        """Some of the list of all series, in whose place it is sent."""
        some = every(Level.SERIES, Scope(self._archive), condition)
        return Resource(path, JSON, array(self._addresses.in_json(one, _ALL) for one in some))

    def _list(self, path: str, level: Level, scope: Scope) -> Resource:
        return Resource(path, JSON, array(self._addresses.in_json(one, path) for one in every(level, scope)))

    def _metadata(self, path: str, series: Iterable[Series]) -> Resource:
        rows = (row for one in series for row in _rows(one))
        return Resource(path, JSON, array(InstanceExport(row, self._addresses).metadata(path) for row in rows))


def thumbnail(path: str, store: ImageStore, instance: Instance) -> Resource:
    """The middle frame of an image. Raises what `store` raises."""
    look = Look(width=THUMBNAIL_PIXELS, height=THUMBNAIL_PIXELS)
    picture = store.rendered(instance, (instance.number_of_frames + 1) // 2, look)
    return Resource(f"{path}/thumbnail", THUMBNAIL, [picture.body])


def _rows(series: Series) -> Iterator[Instance]:
    return series.instances.defer("attributes").order_by(*ORDER).iterator(_ROWS_AT_ONCE)
