"""One object in multipart/related (RFC 2387, PS3.18 8.6), in both directions, never held in memory."""

import re
import uuid
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

DICOM = "application/dicom"
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,70}")
_CHUNK_BYTES = 256 * 1024


class RelatedInvalid(Exception):
    """The body is not one object in multipart/related."""


class OneObject:
    """A file as the body of a request; of known length, and read anew each time that it is sent."""

    def __init__(self, path: Path) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = _content_type(boundary)
        self._path = path
        self._head = f"--{boundary}\r\nContent-Type: {DICOM}\r\n\r\n".encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + self._path.stat().st_size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        with self._path.open("rb") as file:
            yield from iter(lambda: file.read(_CHUNK_BYTES), b"")
        yield self._tail


def nothing() -> tuple[str, bytes]:
    """Content type and body of a request that has no object."""
    boundary = uuid.uuid4().hex
    return _content_type(boundary), f"--{boundary}--\r\n".encode()


def only_part(chunks: Iterator[bytes], content_type: str) -> Iterator[bytes]:
    """The content of the one part of a body, or all of a body that is no multipart. Raises RelatedInvalid."""
    media_type, boundary = _parsed(content_type)
    if media_type == DICOM:
        yield from chunks
        return
    if media_type != "multipart/related" or not _BOUNDARY.fullmatch(boundary):
        raise RelatedInvalid
    reader = _OnePart(boundary)
    for chunk in chunks:
        yield reader.content_of(chunk)
    reader.end()


class _OnePart:
    def __init__(self, boundary: str) -> None:
        self._parts = 0
        self._is_ended = False
        self._content = bytearray()
        self._parser = MultipartParser(
            boundary,
            {"on_part_begin": self._begin, "on_part_data": self._take, "on_end": self._end},
        )

    def content_of(self, chunk: bytes) -> bytes:
        """What of the part is in the next chunk of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise RelatedInvalid from error
        if self._parts > 1:
            raise RelatedInvalid
        content, self._content = bytes(self._content), bytearray()
        return content

    def end(self) -> None:
        if not (self._parts and self._is_ended):
            raise RelatedInvalid

    def _begin(self) -> None:
        self._parts += 1

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _end(self) -> None:
        self._is_ended = True


def _content_type(boundary: str) -> str:
    return f'multipart/related; type="{DICOM}"; boundary={boundary}'


def _parsed(content_type: str) -> tuple[str, str]:
    """Media type in small letters, and boundary."""
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_type(), str(message.get_param("boundary") or "")
