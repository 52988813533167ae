"""Windows in which grey images are looked at: usual ones of a modality, the image's own, and its whole range."""

from dataclasses import dataclass

from apps.archives.services import JsonDataSet
from apps.datasets.series.elements import first, items, number_in

_WINDOW_CENTER, _WINDOW_WIDTH = "00281050", "00281051"
_PHOTOMETRIC_INTERPRETATION, _PIXEL_REPRESENTATION, _BITS_STORED = "00280004", "00280103", "00280101"
_SMALLEST, _LARGEST = "00280106", "00280107"
_RESCALE_INTERCEPT, _RESCALE_SLOPE = "00281052", "00281053"
_SHARED_GROUPS, _PER_FRAME_GROUPS, _PIXEL_VALUE_TRANSFORMATION = "52009229", "52009230", "00289145"


@dataclass(frozen=True)
class Preset:
    name: str
    center: float
    width: float

    @property
    def value(self) -> str:
        return f"{self.center:g},{self.width:g}"


# In Hounsfield units; MR and other modalities have no units that all scanners share.
PRESETS = {
    "CT": (
        Preset("Brain", 40, 80),
        Preset("Subdural", 75, 215),
        Preset("Stroke", 40, 40),
        Preset("Bone", 400, 1800),
        Preset("Lung", -600, 1500),
        Preset("Mediastinum", 50, 350),
        Preset("Abdomen", 40, 400),
        Preset("Liver", 90, 150),
    )
}


def presets_of(modality: str, image: JsonDataSet) -> list[Preset]:
    whole = whole_range(image)
    return [*PRESETS.get(modality, ()), *([whole] if whole else [])]


def is_grey(image: JsonDataSet) -> bool:
    return first(image, _PHOTOMETRIC_INTERPRETATION) in {"MONOCHROME1", "MONOCHROME2"}


def window_of(image: JsonDataSet) -> list[float] | None:
    """Window centre and width as the image has them first; None when it has none."""
    center, width = number_in(image, _WINDOW_CENTER), number_in(image, _WINDOW_WIDTH)
    return None if center is None or width is None else [center, width]


def whole_range(image: JsonDataSet) -> Preset | None:
    """From the smallest to the largest value that the image says it has or can have; None when it does not say."""
    ends = _stored_range(image)
    rescale = _rescale(image)
    if ends is None or rescale is None:
        return None
    slope, intercept = rescale
    low, high = sorted(end * slope + intercept for end in ends)
    # With this width LINEAR takes low to black and high to white (PS3.3 C.11.2.1.2.1).
    return Preset("Whole range", (low + high + 1) / 2, high - low + 1)


def _stored_range(image: JsonDataSet) -> tuple[float, float] | None:
    smallest, largest = number_in(image, _SMALLEST), number_in(image, _LARGEST)
    if smallest is not None and largest is not None and smallest < largest:
        return smallest, largest
    bits = number_in(image, _BITS_STORED)
    if bits is None or not 1 <= bits <= 32:
        return None
    count = 2.0**bits
    return (-count / 2, count / 2 - 1) if first(image, _PIXEL_REPRESENTATION) == 1 else (0, count - 1)


def _rescale(image: JsonDataSet) -> tuple[float, float] | None:
    """Slope and intercept of all frames; None when each has its own."""
    if any(items(frame, _PIXEL_VALUE_TRANSFORMATION) for frame in items(image, _PER_FRAME_GROUPS)[:1]):
        return None
    shared = [macro for groups in items(image, _SHARED_GROUPS) for macro in items(groups, _PIXEL_VALUE_TRANSFORMATION)]
    source = next(iter(shared), image)
    slope, intercept = number_in(source, _RESCALE_SLOPE), number_in(source, _RESCALE_INTERCEPT)
    return 1.0 if slope is None else slope, intercept or 0.0
