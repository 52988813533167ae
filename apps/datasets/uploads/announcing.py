"""What a page says of files before it sends them, so that it is known what is missing when a connection is lost."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

MOST_FILES = 1000
LONGEST_NAME, LONGEST_HEAD = 4096, 64
_LARGEST = 2**53  # of a browser's whole numbers


class Malformed(ValueError):
    """The message is for who wrote the page."""


@dataclass(frozen=True)
class Announcement:
    """A file as its page sees it; `head` is a digest of how it begins, since scanners repeat names and sizes."""

    name: str
    size_bytes: int
    modified_ms: int
    head: str

    @property
    def fingerprint(self) -> str:
        seen = "\0".join((self.name, str(self.size_bytes), str(self.modified_ms), self.head))
        return hashlib.sha256(seen.encode()).hexdigest()

    @classmethod
    def parsed(cls, entry: Any) -> Self:
        """From [name, size in bytes, last change in milliseconds, head]. Raises Malformed."""
        match entry:
            case [str(name), int(size_bytes), int(modified_ms), str(head)]:
                if not (0 <= size_bytes <= _LARGEST and abs(modified_ms) <= _LARGEST):
                    raise Malformed("Sizes and times are whole numbers below 2^53.")
                return cls(_storable(name)[:LONGEST_NAME], size_bytes, modified_ms, _storable(head)[:LONGEST_HEAD])
        raise Malformed("A file is announced as [name, bytes, milliseconds, digest].")


@dataclass(frozen=True)
class Request:
    """Files of the upload with this key; `goes_on` when the person has chosen them just now."""

    key: str
    goes_on: bool
    files: list[Announcement]


def parse(body: bytes) -> Request:
    """From {"key": …, "goes_on": …, "files": […]}. Raises Malformed."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("The request is no JSON.") from error
    match asked:
        case {"key": str(key), "goes_on": bool(goes_on), "files": [*files]} if len(files) <= MOST_FILES:
            return Request(key, goes_on, [Announcement.parsed(entry) for entry in files])
    raise Malformed(f'The request is {{"key": …, "goes_on": …, "files": […]}} with at most {MOST_FILES} files.')


def _storable(text: str) -> str:
    """Without what no database can hold."""
    return text.encode(errors="replace").decode().replace("\0", "")
