"""Query parameters of rendered resources (PS3.18 8.3.5)."""

import math

from django.http import HttpRequest

from apps.archives.dicomweb.negotiation import Offer, choose
from apps.archives.dicomweb.query import QueryInvalid
from apps.archives.port import Look

THUMBNAIL_PIXELS = 256
MAX_SIDE_PIXELS = 8192
_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_KNOWN = frozenset({"accept", "window", "viewport", "quality"})


def look_of(request: HttpRequest, *, is_thumbnail: bool) -> Look:
    """Raises QueryInvalid and NotAcceptable."""
    unknown = request.GET.keys() - _KNOWN
    if unknown:
        raise QueryInvalid(f"{sorted(unknown)[0]!r} is not understood here; {', '.join(sorted(_KNOWN))} are.")
    media_type = choose(request, [Offer("image/jpeg"), Offer("image/png")]).media_type
    window, function = _window(request.GET.get("window"))
    size = THUMBNAIL_PIXELS if is_thumbnail else None
    width, height = _viewport(request.GET.get("viewport")) if "viewport" in request.GET else (size, size)
    return Look(media_type, window, function, width, height, _quality(request.GET.get("quality", "90")))


def _window(text: str | None) -> tuple[tuple[float, float] | None, str | None]:
    if text is None:
        return None, None
    centre, _, rest = text.partition(",")
    width, _, function = rest.partition(",")
    if function and function not in _FUNCTIONS:
        raise QueryInvalid("The function of window is none of linear, linear-exact and sigmoid.")
    window = _float(centre), _float(width)
    if window[1] <= 0:
        raise QueryInvalid("The width of window is not greater than 0.")
    return window, _FUNCTIONS.get(function)


def _float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) < 1e9:
        raise QueryInvalid("window must be center,width or center,width,function.")
    return number


def _viewport(text: str | None) -> tuple[int, int]:
    sides = (text or "").split(",")
    if len(sides) != 2 or not all(side.isascii() and side.isdecimal() for side in sides):
        raise QueryInvalid("viewport must be width,height; parts of an image are not cut out.")
    width, height = (int(side) if len(side) < 6 else 0 for side in sides)
    if not (1 <= width <= MAX_SIDE_PIXELS and 1 <= height <= MAX_SIDE_PIXELS):
        raise QueryInvalid(f"The sides of viewport must be from 1 to {MAX_SIDE_PIXELS}.")
    return width, height


def _quality(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise QueryInvalid("quality must be a whole number from 1 to 100.")
    return int(text)
