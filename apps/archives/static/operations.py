"""What a child can do besides `describe`."""

from collections.abc import Callable
from typing import Any

from .decoding import decode_frame
from .extraction import extract
from .overlay import overlay
from .rendering import render
from .rewriting import rewrite
from .unzip import unzip

OPERATIONS: dict[str, Callable[..., tuple[dict[str, Any], bytes]]] = {
    "decode_frame": decode_frame,
    "extract": extract,
    "overlay": overlay,
    "render": render,
    "rewrite": rewrite,
    "unzip": unzip,
}
