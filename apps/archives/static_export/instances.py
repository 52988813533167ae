"""What the export has of one object: itself, its metadata, its frames, its bulk values."""

from collections.abc import Iterator
from typing import Any

from pydicom.uid import UID

from apps.archives.dicomweb.negotiation import DICOM
from apps.archives.media import PIXEL_DATA
from apps.archives.models import Instance
from apps.archives.object_reader import places
from apps.archives.port import Content, ImageStore
from apps.archives.selectors import metadata_bytes
from apps.archives.static.identity import instance_address
from apps.archives.static_export.addresses import Addresses
from apps.archives.static_export.resources import JSON, Resource, of_parts, undivided


class InstanceExport:
    """Of an instance that is loaded with series and study. Touches no database unless the store does."""

    def __init__(self, instance: Instance, addresses: Addresses) -> None:
        series = instance.series
        self._instance = instance
        self._addresses = addresses
        self._places = places(instance)
        self.path = instance_address(
            series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid
        )

    def metadata(self, path: str) -> bytes:
        """One DICOM JSON object, as it stands in the answer at `path`."""
        text = metadata_bytes(self._instance)
        if self._is_one_frame:
            text = text.replace(f'{self.path}/bulkdata/{PIXEL_DATA}"'.encode(), f'{self.path}/frames/1"'.encode())
        return self._addresses.in_json(text, path)

    def resources(self, store: ImageStore) -> Iterator[Resource]:
        """All files of the object. Raises, also while they are read, what `store` raises, and FileRefused."""
        # Read first: what is a piece of it has no mark either.
        yield self._of_parts(self.path, [(undivided(store.whole(self._instance)), self.path)], DICOM)
        for number in self._frame_numbers:
            yield self._frames(store, f"{self.path}/frames/{number}", [number])
        for path in self._bulk_paths:
            yield self._bulk(store, path)
        metadata_path = f"{self.path}/metadata"
        yield Resource(metadata_path, JSON, [b"[", self.metadata(metadata_path), b"]"])

    @property
    def _layout(self) -> dict[str, Any]:
        layout: dict[str, Any] = self._places["frames"]
        return layout

    @property
    def _frame_numbers(self) -> range:
        is_video = self._layout["layout"] == "stream"
        return range(1, 1 if is_video else self._instance.number_of_frames + 1)

    @property
    def _is_encapsulated(self) -> bool:
        return self._layout["layout"] != "none" and UID(self._instance.transfer_syntax_uid).is_encapsulated

    @property
    def _is_one_frame(self) -> bool:
        """Whether the pixel data is its only frame, byte by byte; then it is not kept twice."""
        frames, pixels = self._layout, self._places["bulk"].get(PIXEL_DATA)
        if self._instance.number_of_frames != 1 or frames["layout"] == "stream":
            return False
        return self._is_encapsulated or (
            pixels is not None
            and frames["layout"] == "contiguous"
            and (pixels["offset"], pixels["length"]) == (frames["offset"], frames["frame_bytes"])
        )

    @property
    def _bulk_paths(self) -> list[str]:
        """Of all values that metadata leaves out, but for a frame that is there already."""
        paths = [path for path in self._places["bulk"] if path != PIXEL_DATA]
        has_pixel_data = PIXEL_DATA in self._places["bulk"] or self._is_encapsulated
        return [*paths, PIXEL_DATA] if has_pixel_data and not self._is_one_frame else paths

    def _bulk(self, store: ImageStore, path: str) -> Resource:
        address = f"{self.path}/bulkdata/{path}"
        if path == PIXEL_DATA and self._is_encapsulated and self._layout["layout"] != "stream":
            # Encapsulated pixel data is handed out frame by frame (PS3.18 8.7.3.3).
            return self._frames(store, address, self._frame_numbers)
        content = undivided(store.bulk(self._instance, path))
        return self._of_parts(address, [(content, address)], content.media_type)

    def _frames(self, store: ImageStore, path: str, numbers: range | list[int]) -> Resource:
        contents = store.frames(self._instance, numbers)
        if self._layout["layout"] != "contiguous":
            contents = [undivided(content) for content in contents]
        addresses = [f"{self.path}/frames/{number}" for number in numbers]
        return self._of_parts(path, list(zip(contents, addresses, strict=True)), contents[0].media_type)

    def _of_parts(self, path: str, parts: list[tuple[Content, str]], media_type: str) -> Resource:
        return of_parts(path, [(content, self._addresses.of_part(at, path)) for content, at in parts], media_type)
