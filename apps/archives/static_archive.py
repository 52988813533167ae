"""The built-in store as an archive: P10 files in a folder, frames as byte ranges of them, decoding in children."""

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import structlog
from django.conf import settings

from apps.archives.intake import Arrival
from apps.archives.media import EXPLICIT_LITTLE_ENDIAN, OCTET_STREAM, PIXEL_DATA, frame_form
from apps.archives.models import Instance, Series
from apps.archives.port import Content, Look, NotInObject, ObjectUnavailable, Picture
from apps.archives.selectors import ORDER
from apps.archives.static.layout import object_path, series_metadata_path
from apps.archives.static.objects import (
    Outcome,
    new_temporary_folder,
    put_many,
    read_range,
    sweep_temporaries,
    write_series_metadata,
)
from apps.archives.static.pool import Reply, default_pool
from apps.archives.static.refusals import FileRefused

log = structlog.get_logger(__name__)

Range = tuple[int, int]


class StaticArchive:
    """One built-in archive (see `port.ImageStore`)."""

    def __init__(self, archive_pk: int) -> None:
        self._root: Path = settings.ARCHIVES_DIR / str(archive_pk)

    def object_files(self) -> Iterator[Path]:
        """Every object file that is there, whether or not the index knows it."""
        return (self._root / "objects").rglob("*.dcm")

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
        chunks = read_range(self._checked_path(instance), [(0, instance.size_bytes)])
        return Content("application/dicom", chunks, instance.size_bytes, instance.transfer_syntax_uid)

    def frames(self, instance: Instance, numbers: Sequence[int]) -> list[Content]:
        _check_frames(instance, numbers)
        frames = places(instance)["frames"]
        if frames["layout"] == "decoded":
            return self.decoded_frames(instance, numbers)
        if frames["layout"] == "stream":
            raise FileRefused("The object is a video, which is read as a whole: by its BulkDataURI.")
        if frames["layout"] == "contiguous":
            size = frames["frame_bytes"]
            ranges = [[(frames["offset"] + (number - 1) * size, size)] for number in numbers]
        else:
            ranges = [frames["fragments"][number - 1] for number in numbers]
        return self._contents(instance, ranges)

    def decoded_frames(self, instance: Instance, numbers: Sequence[int]) -> list[Content]:
        _check_frames(instance, numbers)
        # The first at once, so that what cannot be decoded is refused; the others when they are sent.
        first = self._ask("decode_frame", instance, frame=numbers[0])
        return [
            Content(OCTET_STREAM, iter([first]), len(first), EXPLICIT_LITTLE_ENDIAN),
            *(
                Content(OCTET_STREAM, self._decoded(instance, number), None, EXPLICIT_LITTLE_ENDIAN)
                for number in numbers[1:]
            ),
        ]

    def bulk(self, instance: Instance, path: str) -> Content:
        found = places(instance)
        if path == PIXEL_DATA and found["frames"]["layout"] == "stream":
            return self._contents(instance, found["frames"]["fragments"])[0]
        place = found["bulk"].get(path)
        if place is None:
            raise NotInObject
        offset, length = place["offset"], place["length"]
        if place["is_direct"]:
            chunks = read_range(self._checked_path(instance), [(offset, length)])
            return Content(OCTET_STREAM, chunks, length)
        body = self._ask("extract", instance, offset=offset, length=length, vr=place["vr"])
        return Content(OCTET_STREAM, iter([body]), len(body))

    def rendered(self, instance: Instance, frame: int, look: Look) -> Picture:
        _check_frames(instance, [frame])
        reply = self._reply(
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
        window = reply.header["window"]
        return Picture(look.media_type, reply.body, (window[0], window[1]) if window else None)

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

    def _contents(self, instance: Instance, ranges: Iterable[Sequence[Range]]) -> list[Content]:
        """Frames by their (offset, length) ranges in the file."""
        path = self._checked_path(instance)
        media_type, syntax = frame_form(instance.transfer_syntax_uid)
        return [
            Content(media_type, read_range(path, pairs), sum(length for _, length in pairs), syntax) for pairs in ranges
        ]

    def _decoded(self, instance: Instance, number: int) -> Iterator[bytes]:
        yield self._ask("decode_frame", instance, frame=number)

    def _ask(self, operation: str, instance: Instance, **arguments: Any) -> bytes:
        return self._reply(operation, instance, **arguments).body

    def _reply(self, operation: str, instance: Instance, **arguments: Any) -> Reply:
        return default_pool().call(operation, path=str(self._checked_path(instance)), **arguments)


def places(instance: Instance) -> dict[str, Any]:
    """Where frames and bulk values lie in the file (see `static.describe`): `frames`, `bulk`, `is_inflated`."""
    found: dict[str, Any] = json.loads(gzip.decompress(instance.frames))
    return found


def _check_frames(instance: Instance, numbers: Sequence[int]) -> None:
    if not numbers or not all(1 <= number <= instance.number_of_frames for number in numbers):
        raise NotInObject


def _metadata_rows(series: Series) -> Iterator[bytes]:
    rows = Instance.objects.filter(series=series).order_by(*ORDER)
    for packed in rows.values_list("metadata", flat=True).iterator(chunk_size=200):
        yield gzip.decompress(packed)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The objects of a metadata file, which has one a line."""
    with file, gzip.GzipFile(fileobj=file) as lines:
        for line in lines:
            if line.startswith(b"{"):
                yield line.rstrip(b",\n")
