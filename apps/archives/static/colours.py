"""The colours of segments."""

from collections.abc import Callable

from .dataset import DataSet

Colour = tuple[int, int, int]
CieLab = tuple[int, int, int]

_SEGMENTS, _SEGMENT_NUMBER, _RECOMMENDED_COLOUR = 0x00620002, 0x00620004, 0x0062000D
# Okabe and Ito's colours, which the colour-blind tell apart.
_PALETTE: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip
_D65 = (0.95047, 1.0, 1.08883)
_TO_LINEAR_SRGB = ((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570))


def segment_colours(segmentation: DataSet) -> Callable[[int], Colour]:
    """The colour of a segment by its number."""
    recommended = {
        segment.number(_SEGMENT_NUMBER): _words(segment, raw)
        for segment in segmentation.items(_SEGMENTS)
        if (raw := segment.value(_RECOMMENDED_COLOUR)) and len(raw) == 6
    }
    return lambda number: segment_colour(number, recommended.get(number))


def segment_colour(number: int, recommended: CieLab | None) -> Colour:
    """The colour that the file recommends for a segment, else one of a fixed palette by the segment's number."""
    return cielab_to_srgb(recommended) if recommended else _PALETTE[(number - 1) % len(_PALETTE)]


def _words(segment: DataSet, raw: bytes) -> CieLab:
    first, second, third = (int.from_bytes(raw[start : start + 2], segment.byte_order) for start in (0, 2, 4))
    return first, second, third


def cielab_to_srgb(encoded: CieLab) -> Colour:
    """sRGB from CIELab in 16-bit words as DICOM has it (PS3.3 C.10.7.1.1)."""
    lightness = encoded[0] * 100 / 65535
    a, b = (word * 255 / 65535 - 128 for word in encoded[1:])
    middle = (lightness + 16) / 116
    xyz = [
        white * _from_lab(value)
        for white, value in zip(_D65, (middle + a / 500, middle, middle - b / 200), strict=True)
    ]
    red, green, blue = (_to_byte(sum(f * v for f, v in zip(row, xyz, strict=True))) for row in _TO_LINEAR_SRGB)
    return red, green, blue


def _from_lab(value: float) -> float:
    return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)


def _to_byte(linear: float) -> int:
    bounded = min(max(linear, 0.0), 1.0)
    encoded = 12.92 * bounded if bounded <= 0.0031308 else 1.055 * bounded ** (1 / 2.4) - 0.055
    return round(encoded * 255)
