"""Reading objects out of their Part 10 files, wherever these come from: byte ranges here, decoding in children."""

import gzip
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from apps.archives.media import EXPLICIT_LITTLE_ENDIAN, OCTET_STREAM, PIXEL_DATA, frame_form
from apps.archives.models import Instance
from apps.archives.port import Content, Look, NotInObject, Picture
from apps.archives.static.objects import read_range
from apps.archives.static.pool import Reply, default_pool
from apps.archives.static.refusals import FileRefused

Range = tuple[int, int]


class ObjectReader(ABC):
    """The reading half of `port.ImageStore`, for a store that can fetch the file of an object."""

    @abstractmethod
    def fetch(self, instance: Instance) -> AbstractContextManager[Path]:
        """See `port.ImageStore`."""

    @abstractmethod
    def check(self, instance: Instance) -> None:
        """Raises at once what `fetch` would raise, as far as that can be known at little cost."""

    def whole(self, instance: Instance) -> Content:
        chunks = self._ranges(instance, [(0, instance.size_bytes)])
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
            return Content(OCTET_STREAM, self._ranges(instance, [(offset, length)]), length)
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
            region=look.region,
            format=look.media_type.removeprefix("image/"),
            quality=look.quality,
        )
        window = reply.header["window"]
        return Picture(look.media_type, reply.body, (window[0], window[1]) if window else None)

    def overlay(self, segmentation: Instance, source: Instance, frame: int) -> Picture | None:
        with self.fetch(source) as source_path:
            body = self._ask(
                "overlay",
                segmentation,
                sop_instance_uid=source.sop_instance_uid,
                frame=frame,
                source_path=str(source_path),
            )
        return Picture("image/png", body) if body else None

    def _contents(self, instance: Instance, ranges: Iterable[Sequence[Range]]) -> list[Content]:
        """Frames by their (offset, length) ranges in the file."""
        media_type, syntax = frame_form(instance.transfer_syntax_uid)
        return [
            Content(media_type, self._ranges(instance, pairs), sum(length for _, length in pairs), syntax)
            for pairs in ranges
        ]

    def _ranges(self, instance: Instance, ranges: Sequence[Range]) -> Iterator[bytes]:
        """Read when they are sent; that they cannot be had is, if possible, found out at once."""
        self.check(instance)
        return self._read(instance, ranges)

    def _read(self, instance: Instance, ranges: Sequence[Range]) -> Iterator[bytes]:
        with self.fetch(instance) as path:
            yield from read_range(path, ranges)

    def _decoded(self, instance: Instance, number: int) -> Iterator[bytes]:
        yield self._ask("decode_frame", instance, frame=number)

    def _ask(self, operation: str, instance: Instance, **arguments: Any) -> bytes:
        return self._reply(operation, instance, **arguments).body

    def _reply(self, operation: str, instance: Instance, **arguments: Any) -> Reply:
        with self.fetch(instance) as path:
            return default_pool().call(operation, path=str(path), **arguments)


def places(instance: Instance) -> dict[str, Any]:
    """Where frames and bulk values lie in the file (see `static.describe`): `frames`, `bulk`, `is_inflated`."""
    found: dict[str, Any] = json.loads(gzip.decompress(instance.frames))
    return found


def _check_frames(instance: Instance, numbers: Sequence[int]) -> None:
    if not numbers or not all(1 <= number <= instance.number_of_frames for number in numbers):
        raise NotInObject
