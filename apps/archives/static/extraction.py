"""Bulk values that are no plain range of the file: of deflated data sets, and of big endian ones."""

from .dataset import open_part10
from .decoding import swapped
from .refusals import FileRefused

_WORD_BYTES = {"OW": 2, "US": 2, "SS": 2, "OF": 4, "OL": 4, "FL": 4, "UL": 4, "SL": 4, "OD": 8, "OV": 8, "FD": 8}
MAX_EXTRACT_BYTES = 512 * 1024 * 1024


def extract(path: str, offset: int, length: int, vr: str) -> tuple[dict[str, object], bytes]:
    """The bulk value at `offset` and `length` as `describe` gave them, in little endian byte order."""
    if length > MAX_EXTRACT_BYTES:
        raise FileRefused("The value is longer than 512 MiB and its file is not written in little endian.")
    with open_part10(path) as part10:
        raw = part10.source.read(offset, length)
        return {}, raw if part10.is_little_endian else swapped(raw, _WORD_BYTES.get(vr, 1))
