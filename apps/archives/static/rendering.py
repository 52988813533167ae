"""One frame as an 8-bit picture, the way a screen shows it (PS3.3 C.11, PS3.18 8.3.5)."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from .dataset import PER_FRAME_FUNCTIONAL_GROUPS, SHARED_FUNCTIONAL_GROUPS, DataSet, Part10, open_part10
from .decoding import DECODER_ERRORS, LocatedFrame, Pixels, located_frame, to_pydicom
from .refusals import FileRefused

MAX_SIDE_PIXELS = 8192
JPEG_QUALITY = 90
_PIXEL_VALUE_TRANSFORMATION, _FRAME_VOI_LUT = 0x00289145, 0x00289132


def render(  # noqa: PLR0913 - as many as a picture has of its own
    path: str,
    frame: int,
    *,
    window: list[float] | None = None,
    voi_lut_function: str | None = None,
    width: int | None = None,
    height: int | None = None,
    region: list[float] | None = None,
    format: str = "png",  # noqa: A002
    quality: int = JPEG_QUALITY,
) -> tuple[dict[str, Any], bytes]:
    """Frame `frame` (from 1) as `png`, or as `jpeg` of `quality` 1 to 100, with 8 bits a sample.

    Grey images go through modality LUT and `window` (centre, width; with `voi_lut_function` LINEAR,
    LINEAR_EXACT or SIGMOID, the file's own when None), else the window or VOI LUT of the file, else the
    1st to 99th percentile. `region` cuts a part out: left, top, width and height in pixels of the frame; a negative
    width or height mirrors it. `width` and `height` are the box that the picture must fit; its proportions stay. The
    header holds `media_type`, `width`, `height` and `window` as applied (None for colour). Raises FileRefused.
    """
    with open_part10(path) as part10:
        pixels, applied = _screen_pixels(located_frame(part10, frame), window, voi_lut_function)
    picture = _fitted(_cut(Image.fromarray(pixels), region), width, height)
    output = io.BytesIO()
    picture.save(output, "JPEG" if format == "jpeg" else "PNG", **({"quality": quality} if format == "jpeg" else {}))
    header = {
        "media_type": f"image/{'jpeg' if format == 'jpeg' else 'png'}",
        "width": picture.width,
        "height": picture.height,
        "window": applied,
    }
    return header, output.getvalue()


def _screen_pixels(
    located: LocatedFrame, window: list[float] | None, function: str | None
) -> tuple[Pixels, list[float] | None]:
    """Array of uint8, rows × columns or rows × columns × 3, and the window that made it."""
    stored = located.pixels()
    attributes = _display_attributes(located.part10, located.index)
    try:
        if located.geometry.photometric_interpretation == "PALETTE COLOR":
            colours = apply_color_lut(stored, attributes)
            return _scaled_to_bytes(colours, colours.dtype.itemsize * 8), None
        if stored.ndim == 3:
            return _scaled_to_bytes(stored, _bits_stored(located)), None
        return _grey(stored, attributes, window, function)
    except DECODER_ERRORS as error:
        raise FileRefused("The display attributes of the image are damaged.") from error


def _display_attributes(part10: Part10, index: int) -> Dataset:
    """Group 0028, with what enhanced objects say for all frames or this one put over it (PS3.3 C.7.6.16)."""
    attributes = to_pydicom(part10, group=0x0028)
    shared = part10.items(SHARED_FUNCTIONAL_GROUPS)[:1]
    per_frame = part10.items(PER_FRAME_FUNCTIONAL_GROUPS)[index : index + 1]
    for groups in (*shared, *per_frame):
        for macro in _display_macros(groups):
            attributes.update(to_pydicom(macro, group=0x0028))
    return attributes


def _display_macros(groups: DataSet) -> list[DataSet]:
    return [*groups.items(_PIXEL_VALUE_TRANSFORMATION)[:1], *groups.items(_FRAME_VOI_LUT)[:1]]


def _bits_stored(located: LocatedFrame) -> int:
    return located.part10.number(0x00280101, default=located.geometry.bits_allocated)


def _scaled_to_bytes(colours: Pixels, bits: int) -> Pixels:
    if colours.dtype == np.uint8:
        return np.ascontiguousarray(colours[..., :3])
    return np.ascontiguousarray((colours[..., :3] >> max(bits - 8, 0)).astype(np.uint8))


def _grey(
    stored: Pixels, attributes: Dataset, window: list[float] | None, function: str | None
) -> tuple[Pixels, list[float] | None]:
    values = apply_modality_lut(stored, attributes)
    if window is None and "VOILUTSequence" in attributes and attributes.VOILUTSequence:
        shown, applied = _through_lut(values, attributes), None
    else:
        applied = window or _file_window(attributes) or _percentile_window(stored, values, attributes)
        shown = windowed(values, applied, function or str(attributes.get("VOILUTFunction", "") or "LINEAR"))
    if attributes.get("PhotometricInterpretation") == "MONOCHROME1":
        shown = 255 - shown
    return shown, applied


def _through_lut(values: Pixels, attributes: Dataset) -> Pixels:
    """The first VOI LUT (PS3.3 C.11.2.1.1). pydicom's own wraps values beyond 255 when the LUT has 8 bits."""
    item = attributes.VOILUTSequence[0]
    entries, first, bits = item.LUTDescriptor
    table = _lut_table(item.LUTData, entries or 65536, is_little_endian=attributes.original_encoding[1] is not False)
    indexes = np.clip(values.astype(np.int64) - first, 0, len(table) - 1)
    shown: Pixels = np.rint(np.clip(table[indexes] / (2**bits - 1), 0, 1) * 255).astype(np.uint8)
    return shown


def _lut_table(stored: Any, entries: int, *, is_little_endian: bool) -> Pixels:
    if not isinstance(stored, bytes):
        return np.atleast_1d(np.asarray(stored, np.uint16))
    if len(stored) < entries * 2:
        return np.frombuffer(stored, np.uint8)
    return np.frombuffer(stored[: entries * 2], "<u2" if is_little_endian else ">u2")


def _file_window(attributes: Dataset) -> list[float] | None:
    centre, width = _first(attributes.get("WindowCenter")), _first(attributes.get("WindowWidth"))
    return [centre, width] if centre is not None and width is not None and width > 0 else None


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value) if isinstance(value, int | float | str) else float(value[0])


def _percentile_window(stored: Pixels, values: Pixels, attributes: Dataset) -> list[float]:
    padding = attributes.get("PixelPaddingValue")
    kept = values[stored != padding] if isinstance(padding, int) else values
    kept = kept[np.isfinite(kept)]
    low, high = np.percentile(kept, (1, 99)) if kept.size else (0.0, 0.0)
    if low == high and kept.size:
        low, high = kept.min(), kept.max()
    # With this width LINEAR takes low to 0 and high to 255.
    return [float(low + high + 1) / 2, float(high - low) + 1]


def windowed(values: Pixels, window: list[float], function: str) -> Pixels:
    """Values from 0 to 255 by the window [centre, width] (PS3.3 C.11.2.1.2, C.11.2.1.3)."""
    centre, width = window
    values = np.nan_to_num(values.astype(np.float64))
    if function == "SIGMOID":
        scaled = 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    elif function == "LINEAR_EXACT" or width <= 1:
        scaled = (values - centre) / max(width, 1e-6) + 0.5
    else:
        scaled = (values - (centre - 0.5)) / (width - 1) + 0.5
    shown: Pixels = np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return shown


def _cut(picture: Image.Image, region: list[float] | None) -> Image.Image:
    """The part that lies inside of the picture, at least one pixel (PS3.18 8.3.5.1.3)."""
    if region is None:
        return picture
    left, top, width, height = region
    left, right = _inside(left, width, picture.width)
    top, bottom = _inside(top, height, picture.height)
    part = picture.crop((left, top, right, bottom))
    part = ImageOps.mirror(part) if width < 0 else part
    return ImageOps.flip(part) if height < 0 else part


def _inside(first: float, length: float, size: int) -> tuple[int, int]:
    begin = min(max(round(first), 0), size - 1)
    return begin, max(begin + 1, min(round(first + abs(length)), size))


def _fitted(picture: Image.Image, width: int | None, height: int | None) -> Image.Image:
    if width is None and height is None:
        return picture
    scale = min(
        min(width or MAX_SIDE_PIXELS, MAX_SIDE_PIXELS) / picture.width,
        min(height or MAX_SIDE_PIXELS, MAX_SIDE_PIXELS) / picture.height,
    )
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
