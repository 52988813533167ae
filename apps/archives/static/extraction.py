"""Bulk values that are no plain range of the file: of deflated data sets, and of big endian ones."""

from .dataset import open_part10
from .decoding import swapped
from .refusals import FileRefused
from .values import WORD_BYTES

MAX_EXTRACT_BYTES = 512 * 1024 * 1024


def extract(path: str, offset: int, length: int, vr: str) -> tuple[dict[str, object], bytes]:
    """The bulk value at `offset` and `length` as `describe` gave them, in little endian byte order."""
    if length > MAX_EXTRACT_BYTES:
        raise FileRefused("The value is longer than 512 MiB and its file is not written in little endian.")
    with open_part10(path) as part10:
        raw = part10.source.read(offset, length)
        return {}, raw if part10.is_little_endian else swapped(raw, WORD_BYTES.get(vr, 1))
