"""The built-in store as an archive: P10 files in a folder, frames as byte ranges of them, decoding in children."""

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from apps.archives.intake import Arrival
from apps.archives.media import frame_media_type
from apps.archives.models import Instance, Series
from apps.archives.port import Content, Look, NotInObject, ObjectUnavailable, Picture
from apps.archives.static.layout import object_path, series_metadata_path
from apps.archives.static.objects import (
    Outcome,
    new_temporary_folder,
    put_many,
    read_range,
    sweep_temporaries,
    write_series_metadata,
)
from apps.archives.static.pool import default_pool
from apps.archives.static.refusals import FileRefused

log = structlog.get_logger(__name__)

NATIVE = "application/octet-stream"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


class StaticArchive:
    """One built-in archive (see `port.ImageStore`)."""

    def __init__(self, archive_pk: int) -> None:
        self._root: Path = settings.ARCHIVES_DIR / str(archive_pk)

    @property
    def objects_folder(self) -> Path:
        return self._root / "objects"

    def new_folder(self) -> Path:
        return new_temporary_folder(self._root)

    def publish(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        return put_many([(arrival.file.path, self._path_of(arrival)) for arrival in arrivals])

    def withdraw(self, arrival: Arrival) -> None:
        self._path_of(arrival).unlink(missing_ok=True)

    def path(self, instance: Instance) -> Path:
        series = instance.series
        return object_path(
            self._root,
            series.study.study_instance_uid,
            series.series_instance_uid,
            instance.sop_instance_uid,
            instance.sha256,
        )

    def whole(self, instance: Instance) -> Content:
        return self._ranges(instance, [(0, instance.size_bytes)], "application/dicom", instance.transfer_syntax_uid)

    def frame(self, instance: Instance, number: int) -> Content:
        frames = places(instance)["frames"]
        _check_frame(instance, number)
        if frames["layout"] == "decoded":
            return self.decoded_frame(instance, number)
        if frames["layout"] == "contiguous":
            start = frames["offset"] + (number - 1) * frames["frame_bytes"]
            return self._ranges(instance, [(start, frames["frame_bytes"])], NATIVE, EXPLICIT_LITTLE_ENDIAN)
        if frames["layout"] == "stream":
            raise FileRefused("The object is a video, which is read as a whole: by its BulkDataURI.")
        syntax = instance.transfer_syntax_uid
        return self._ranges(instance, frames["fragments"][number - 1], frame_media_type(syntax), syntax)

    def decoded_frame(self, instance: Instance, number: int) -> Content:
        _check_frame(instance, number)
        body = self._ask("decode_frame", instance, frame=number)
        return Content(NATIVE, iter([body]), len(body), EXPLICIT_LITTLE_ENDIAN)

    def bulk(self, instance: Instance, path: str) -> Content:
        found = places(instance)
        if path == "7FE00010" and found["frames"]["layout"] == "stream":
            syntax = instance.transfer_syntax_uid
            return self._ranges(instance, found["frames"]["fragments"][0], frame_media_type(syntax), syntax)
        place = found["bulk"].get(path)
        if place is None:
            raise NotInObject
        if place["is_direct"]:
            return self._ranges(instance, [(place["offset"], place["length"])], NATIVE, EXPLICIT_LITTLE_ENDIAN)
        body = self._ask("extract", instance, offset=place["offset"], length=place["length"], vr=place["vr"])
        return Content(NATIVE, iter([body]), len(body), EXPLICIT_LITTLE_ENDIAN)

    def rendered(self, instance: Instance, frame: int, look: Look) -> Picture:
        _check_frame(instance, frame)
        body = self._ask(
            "render",
            instance,
            frame=frame,
            window=look.window,
            voi_lut_function=look.voi_lut_function,
            width=look.width,
            height=look.height,
            format=look.media_type.removeprefix("image/"),
            quality=look.quality,
        )
        return Picture(look.media_type, body)

    def overlay(self, segmentation: Instance, source: Instance, frame: int) -> Picture | None:
        body = self._ask(
            "overlay",
            segmentation,
            sop_instance_uid=source.sop_instance_uid,
            frame=frame,
            source_path=str(self._checked_path(source)),
        )
        return Picture("image/png", body) if body else None

    def metadata(self, series: Series) -> Iterator[bytes]:
        if not series.is_metadata_stale:
            try:
                return _lines(self._metadata_path(series, series.metadata_version).open("rb"))
            except FileNotFoundError:
                log.warning("series metadata file is missing", series=series.pk)
        return _metadata_rows(series)

    def write_metadata(self, series: Series, version: int) -> None:
        """Writes the metadata file of that version of the series."""
        write_series_metadata(self._metadata_path(series, version), self._root, _metadata_rows(series))

    def remove_metadata(self, series: Series, version: int) -> None:
        self._metadata_path(series, version).unlink(missing_ok=True)

    def sweep(self, *, older_than_seconds: float) -> int:
        """Removes what uploads that died have left; returns how many."""
        return sweep_temporaries(self._root, older_than_seconds=older_than_seconds)

    def _path_of(self, arrival: Arrival) -> Path:
        identity = arrival.identity
        return object_path(
            self._root,
            identity.study_instance_uid,
            identity.series_instance_uid,
            identity.sop_instance_uid,
            arrival.sha256,
        )

    def _metadata_path(self, series: Series, version: int) -> Path:
        return series_metadata_path(self._root, series.study.study_instance_uid, series.series_instance_uid, version)

    def _checked_path(self, instance: Instance) -> Path:
        path = self.path(instance)
        try:
            is_whole = path.stat().st_size == instance.size_bytes
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            log.error("stored object is missing or damaged", instance=instance.pk)
            raise ObjectUnavailable
        return path

    def _ranges(self, instance: Instance, ranges: Sequence[Sequence[int]], media_type: str, syntax: str) -> Content:
        path = self._checked_path(instance)
        pairs = [(offset, length) for offset, length in ranges]
        return Content(media_type, read_range(path, pairs), sum(length for _, length in pairs), syntax)

    def _ask(self, operation: str, instance: Instance, **arguments: Any) -> bytes:
        return default_pool().call(operation, path=str(self._checked_path(instance)), **arguments).body


def places(instance: Instance) -> dict[str, Any]:
    """Where frames and bulk values lie in the file (see `static.describe`): `frames`, `bulk`, `is_inflated`."""
    found: dict[str, Any] = json.loads(gzip.decompress(instance.frames))
    return found


def _check_frame(instance: Instance, number: int) -> None:
    if not 1 <= number <= instance.number_of_frames:
        raise NotInObject


def _metadata_rows(series: Series) -> Iterator[bytes]:
    rows = Instance.objects.filter(series=series).order_by("instance_number", "sop_instance_uid")
    for packed in rows.values_list("metadata", flat=True).iterator(chunk_size=200):
        yield gzip.decompress(packed)


def _lines(file: Any) -> Iterator[bytes]:
    """The objects of a metadata file, which has one a line."""
    with file, gzip.GzipFile(fileobj=file) as lines:
        for line in lines:
            if line.startswith(b"{"):
                yield line.rstrip(b",\n")


def all_files(folder: Path) -> Iterator[Path]:
    """Every object file below a folder."""
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names if name.endswith(".dcm"))
