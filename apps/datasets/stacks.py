"""What the viewer of a series gets: addresses of its frames and of the masks over them, window and proportions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.archives.services import JsonDataSet
from apps.datasets.references import first

_WINDOW_CENTER, _WINDOW_WIDTH, _PIXEL_SPACING = "00281050", "00281051", "00280030"
_PHOTOMETRIC_INTERPRETATION = "00280004"


@dataclass(frozen=True)
class Frame:
    """One picture of a series: frame `number`, from 1, of an instance."""

    sop_instance_uid: str
    number: int


@dataclass(frozen=True)
class Mask:
    """A segmentation over a series. `covered` has the images that it is drawn on, and is empty when it does not say."""

    series_instance_uid: str
    name: str
    colour: str
    covered: Mapping[str, int]

    def is_on(self, frame: Frame) -> bool:
        return not self.covered or frame.sop_instance_uid in self.covered


def frames_of(images: Sequence[tuple[str, int]]) -> list[Frame]:
    """All frames of (SOPInstanceUID, number of frames) in order."""
    return [Frame(uid, number) for uid, count in images for number in range(1, count + 1)]


def window_of(image: JsonDataSet) -> list[float] | None:
    """Window centre and width as the image has them first; None when it has none."""
    try:
        return [float(first(image, _WINDOW_CENTER)), float(first(image, _WINDOW_WIDTH))]
    except ValueError:
        return None


def is_grey(image: JsonDataSet) -> bool:
    return first(image, _PHOTOMETRIC_INTERPRETATION) in {"MONOCHROME1", "MONOCHROME2"}


def pixel_aspect_of(image: JsonDataSet) -> float:
    """Height of a pixel over its width (PS3.3 10.7.1.3: row spacing is first); 1 when it is not known."""
    try:
        height, width = (float(spacing) for spacing in image.get(_PIXEL_SPACING, {}).get("Value", [])[:2])
    except (TypeError, ValueError):
        return 1.0
    return height / width if height > 0 and width > 0 else 1.0


def stack_of(  # noqa: PLR0913
    frames: Sequence[Frame],
    masks: Sequence[Mask],
    *,
    title: str,
    modality: str,
    start: int,
    window: list[float] | None,
    pixel_aspect: float,
    frame_address: Callable[[Frame], str],
    mask_address: Callable[[Mask, Frame], str],
) -> dict[str, Any]:
    """The data block of static/js/viewer.js."""
    return {
        "title": title,
        "modality": modality,
        "start": start,
        "frames": [frame_address(frame) for frame in frames],
        "window": window,
        "window_query": "?window={center},{width},linear",
        "pixel_aspect": pixel_aspect,
        "overlays": [
            {
                "name": mask.name,
                "colour": mask.colour,
                "frames": [mask_address(mask, frame) if mask.is_on(frame) else None for frame in frames],
            }
            for mask in masks
        ],
    }
