"""What the viewer of a series gets: addresses of its frames and of the masks over them, window and proportions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.archives.services import JsonDataSet
from apps.core.numbers import is_whole_number
from apps.datasets.series.elements import number_in, values

_PIXEL_SPACING = "00280030"
_RECOMMENDED_DISPLAY_FRAME_RATE, _CINE_RATE, _FRAME_TIME_MILLISECONDS = "00082144", "00180040", "00181063"
SPEEDS = (2, 5, 10, 15, 25, 30)  # frames per second
USUAL_SPEED = 10


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


def number_asked(text: str) -> int:
    """Of a frame, as an address has it; the first when it is no number."""
    return int(text) if is_whole_number(text, most_digits=9) else 1


def speed_of(image: JsonDataSet) -> int:
    """Frames per second as the image wants to be played, else the usual."""
    rates = [_positive(image, tag) for tag in (_RECOMMENDED_DISPLAY_FRAME_RATE, _CINE_RATE)]
    frame_time = _positive(image, _FRAME_TIME_MILLISECONDS)
    rate = next((rate for rate in (*rates, 1000 / frame_time if frame_time else None) if rate), USUAL_SPEED)
    return max(1, min(60, round(rate)))


def _positive(image: JsonDataSet, tag: str) -> float | None:
    found = number_in(image, tag)
    return found if found is not None and 0 < found < 10_000 else None


def pixel_aspect_of(image: JsonDataSet) -> float:
    """Height of a pixel over its width (PS3.3 10.7.1.3: row spacing is first); 1 when it is not known."""
    try:
        height, width = (float(spacing) for spacing in values(image, _PIXEL_SPACING)[:2])
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
    speed: int,
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
        "speed": speed,
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
