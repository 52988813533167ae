"""Query parameters of rendered resources (PS3.18 8.3.5). Those that are not known are ignored, as 8.3 says."""

import math

from django.http import HttpRequest

from apps.archives.dicomweb.negotiation import Offer, choose
from apps.archives.dicomweb.query import QueryInvalid
from apps.archives.models import Instance
from apps.archives.port import Look
from apps.core.numbers import is_whole_number

Region = tuple[float, float, float, float]
Viewport = tuple[int, int, tuple[str, ...]]

PICTURES = (Offer("image/jpeg"), Offer("image/png"))
THUMBNAIL_PIXELS = 256
MAX_SIDE_PIXELS = 8192
_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}


def look_of(request: HttpRequest, instance: Instance, *, is_thumbnail: bool) -> Look:
    """How a frame of the instance is asked for. Raises QueryInvalid and NotAcceptable."""
    media_type = choose(request, PICTURES).media_type
    window, function = _window(request.GET.get("window"))
    size = THUMBNAIL_PIXELS if is_thumbnail else None
    width, height, rest = _viewport(request.GET.get("viewport")) if "viewport" in request.GET else (size, size, ())
    region = _region(rest, instance) if rest else None
    return Look(media_type, window, function, width, height, region, quality(request.GET.get("quality", "90")))


def quality(text: str) -> int:
    """Of a JPEG. Raises QueryInvalid."""
    if not (is_whole_number(text, most_digits=3) and 1 <= int(text) <= 100):
        raise QueryInvalid("The quality must be a whole number from 1 to 100.")
    return int(text)


def side(text: str, name: str) -> int:
    """A width or height of a picture in pixels. Raises QueryInvalid."""
    length = int(text) if is_whole_number(text, most_digits=5) else 0
    if not 1 <= length <= MAX_SIDE_PIXELS:
        raise QueryInvalid(f"The sides of {name} must be whole numbers from 1 to {MAX_SIDE_PIXELS}.")
    return length


def decimal(text: str, name: str) -> float:
    """Raises QueryInvalid, also for what is no number that a picture can have."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) < 1e9:
        raise QueryInvalid(f"{name} has what is no number: {text!r}.")
    return number


def window_of(centre: str, width: str) -> tuple[float, float]:
    """Raises QueryInvalid."""
    window = decimal(centre, "The window"), decimal(width, "The window")
    if window[1] <= 0:
        raise QueryInvalid("The width of the window is not greater than 0.")
    return window


def region_in(instance: Instance, region: Region) -> Region:
    """The region, which is in pixels, when some of it lies in the image. Raises QueryInvalid."""
    left, top, width, height = region
    columns, rows = instance.columns or 0, instance.rows or 0
    if not (_overlaps(left, width, columns) and _overlaps(top, height, rows)):
        raise QueryInvalid(f"The region lies outside of the image, which is {columns} × {rows}.")
    return region


def _overlaps(first: float, length: float, size: int) -> bool:
    return first < size and first + abs(length) > 0 and length != 0


def _window(text: str | None) -> tuple[tuple[float, float] | None, str | None]:
    if text is None:
        return None, None
    centre, _, rest = text.partition(",")
    width, _, function = rest.partition(",")
    if function and function not in _FUNCTIONS:
        raise QueryInvalid("The function of window is none of linear, linear-exact and sigmoid.")
    return window_of(centre, width), _FUNCTIONS.get(function)


def _viewport(text: str | None) -> Viewport:
    """Width and height of the picture, and what it is to show of the image."""
    parts = (text or "").split(",")
    if len(parts) not in (2, 6):
        raise QueryInvalid("viewport must be width,height or width,height,left,top,width,height.")
    return side(parts[0], "viewport"), side(parts[1], "viewport"), tuple(parts[2:])


def _region(parts: tuple[str, ...], instance: Instance) -> Region:
    """Each part may be left out (PS3.18 8.3.5.1.3)."""
    whole = ("0", "0", str(instance.columns or 0), str(instance.rows or 0))
    left, top, width, height = (
        decimal(part.strip() or default, "viewport") for part, default in zip(parts, whole, strict=True)
    )
    return region_in(instance, (left, top, width, height))
