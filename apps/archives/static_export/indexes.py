"""What the export has of an archive, a study or a series as a whole: lists, metadata, a thumbnail."""

from collections.abc import Iterable, Iterator

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


class Indexes:
    def __init__(self, archive: Archive, addresses: Addresses) -> None:
        self._archive = archive
        self._addresses = addresses

    def of_archive(self) -> Iterator[Resource]:
        scope = Scope(self._archive)
        yield self._list("studies", Level.STUDY, scope)
        yield self._list("series", Level.SERIES, scope)
        yield self._list("instances", Level.INSTANCE, scope)

    def of_study(self, study: Study) -> Iterator[Resource]:
        path, scope = f"studies/{study.study_instance_uid}", Scope(self._archive, study.study_instance_uid)
        yield self._list(f"{path}/series", Level.SERIES, scope)
        yield self._list(f"{path}/instances", Level.INSTANCE, scope)
        yield self._metadata(f"{path}/metadata", study.series.order_by("pk"))

    def of_series(self, series: Series) -> Iterator[Resource]:
        study_uid, series_uid = series.study.study_instance_uid, series.series_instance_uid
        path = f"studies/{study_uid}/series/{series_uid}"
        yield self._list(f"{path}/instances", Level.INSTANCE, Scope(self._archive, study_uid, series_uid))
        yield self._metadata(f"{path}/metadata", [series])

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
