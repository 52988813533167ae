"""The segments of a segmentation object that lie on one image, as a picture to put over it (PS3.3 C.8.20)."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image
from pydicom.uid import SegmentationStorage

from .colours import segment_colours
from .dataset import PER_FRAME_FUNCTIONAL_GROUPS, SHARED_FUNCTIONAL_GROUPS, DataSet, Part10, open_part10
from .decoding import Pixels, located_frame
from .frames import geometry_of
from .refusals import FileRefused

_DERIVATION_IMAGE, _SOURCE_IMAGE = 0x00089124, 0x00082112
_REFERENCED_SOP_INSTANCE_UID, _REFERENCED_FRAME_NUMBER = 0x00081155, 0x00081160
_SEGMENT_IDENTIFICATION, _REFERENCED_SEGMENT_NUMBER = 0x0062000A, 0x0062000B
_PLANE_POSITION, _IMAGE_POSITION = 0x00209113, 0x00200032
_MAX_FRACTIONAL_VALUE = 0x0062000E
_SAME_PLANE_MM = 0.01


def overlay(
    path: str, sop_instance_uid: str, frame: int = 1, source_path: str | None = None
) -> tuple[dict[str, Any], bytes]:
    """PNG (RGBA, size of the segmentation's frames) of all segments on frame `frame` of the image `sop_instance_uid`.

    Frames are matched by their source image; where they name none, by the plane position of the image at
    `source_path`. Opaque where a segment is, in proportion for FRACTIONAL; the first segment is on top. The header has
    `segments` (their numbers), or `absent` when nothing lies on that image. Raises FileRefused.
    """
    with open_part10(path) as segmentation:
        if segmentation.text(0x00080016) != SegmentationStorage:
            raise FileRefused("The file is no segmentation.")
        frames = _frames_by_source(segmentation, sop_instance_uid, frame)
        if frames is None:
            frames = _frames_by_position(segmentation, source_path, frame)
        if not frames:
            return {"absent": True}, b""
        picture = _painted(segmentation, frames)
    return {"segments": sorted({segment for _, segment in frames}), "media_type": "image/png"}, _png(picture)


def _frames_by_source(segmentation: Part10, sop_instance_uid: str, frame: int) -> list[tuple[int, int]] | None:
    """(frame from 1, segment) of the frames drawn on the image; None when no frame names any source."""
    named = [(number, groups, _sources(groups)) for number, groups in _per_frame(segmentation)]
    if not any(sources for _, _, sources in named):
        return None
    return [
        (number, _segment_number(segmentation, groups))
        for number, groups, sources in named
        if any(_refers_to(source, sop_instance_uid, frame) for source in sources)
    ]


def _per_frame(segmentation: Part10) -> Iterable[tuple[int, DataSet]]:
    return enumerate(segmentation.items(PER_FRAME_FUNCTIONAL_GROUPS), 1)


def _sources(groups: DataSet) -> list[DataSet]:
    return [source for derivation in groups.items(_DERIVATION_IMAGE) for source in derivation.items(_SOURCE_IMAGE)]


def _refers_to(source: DataSet, sop_instance_uid: str, frame: int) -> bool:
    frame_numbers = source.decimals(_REFERENCED_FRAME_NUMBER)
    return source.text(_REFERENCED_SOP_INSTANCE_UID) == sop_instance_uid and (
        not frame_numbers or frame in frame_numbers
    )


def _segment_number(segmentation: Part10, groups: DataSet) -> int:
    shared = segmentation.items(SHARED_FUNCTIONAL_GROUPS)[:1]
    macros = [*groups.items(_SEGMENT_IDENTIFICATION), *(m for s in shared for m in s.items(_SEGMENT_IDENTIFICATION))]
    if not macros:
        raise FileRefused("A frame of the segmentation does not say which segment it shows.")
    return macros[0].number(_REFERENCED_SEGMENT_NUMBER)


def _frames_by_position(segmentation: Part10, source_path: str | None, frame: int) -> list[tuple[int, int]]:
    position = _source_position(source_path, frame) if source_path else []
    if len(position) != 3:
        return []
    return [
        (number, _segment_number(segmentation, groups))
        for number, groups in _per_frame(segmentation)
        if _is_near(_plane_position(groups), position)
    ]


def _source_position(source_path: str, frame: int) -> list[float]:
    with open_part10(source_path) as source:
        per_frame = source.items(PER_FRAME_FUNCTIONAL_GROUPS)[frame - 1 : frame]
        return _plane_position(per_frame[0]) if per_frame else source.decimals(_IMAGE_POSITION)


def _plane_position(groups: DataSet) -> list[float]:
    macros = groups.items(_PLANE_POSITION)
    return macros[0].decimals(_IMAGE_POSITION) if macros else []


def _is_near(one: list[float], other: list[float]) -> bool:
    return len(one) == 3 and bool(np.linalg.norm(np.subtract(one, other)) < _SAME_PLANE_MM)


def _painted(segmentation: Part10, frames: list[tuple[int, int]]) -> Pixels:
    """Array of rows × columns × 4, uint8."""
    geometry = geometry_of(segmentation)
    colours = segment_colours(segmentation)
    picture = np.zeros((geometry.rows, geometry.columns, 4), np.uint8)
    for number, segment in sorted(frames, key=lambda one: one[1], reverse=True):
        opacity = _opacity(segmentation, number)
        picture[opacity > 0, :3] = colours(segment)
        picture[..., 3] = np.maximum(picture[..., 3], opacity)
    return picture


def _opacity(segmentation: Part10, frame: int) -> Pixels:
    """0 to 255 for each pixel of one frame."""
    kind = segmentation.text(0x00620001)
    if kind not in {"BINARY", "FRACTIONAL"}:
        raise FileRefused("Only BINARY and FRACTIONAL segmentations can be shown over an image.")
    stored = located_frame(segmentation, frame).pixels()
    largest = segmentation.number(_MAX_FRACTIONAL_VALUE, default=255) if kind == "FRACTIONAL" else 1
    return np.rint(np.clip(stored / max(largest, 1), 0, 1) * 255).astype(np.uint8)


def _png(picture: Pixels) -> bytes:
    output = io.BytesIO()
    Image.fromarray(picture).save(output, "PNG")
    return output.getvalue()
