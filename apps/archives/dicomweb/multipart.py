"""multipart/related in both directions (RFC 2387, PS3.18 8.6), streamed: no part is ever held in memory."""

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.http import StreamingHttpResponse
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from apps.archives.dicomweb.negotiation import MULTIPART
from apps.archives.port import Content

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 20_000
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class MultipartInvalid(Exception):
    """The body is not what its Content-Type says; the message says where it goes wrong."""


class TooManyParts(Exception):
    """The body has more parts than one request may have."""

    def __init__(self) -> None:
        super().__init__("The request has too many parts; send it as several.")


@dataclass(frozen=True)
class Part:
    """One part of an answer, and its own address."""

    content: Content
    address: str


def respond(parts: Iterable[Part], *, media_type: str) -> StreamingHttpResponse:
    """The parts as one streamed answer; with Content-Length when `parts` is a list and all sizes are known."""
    boundary = uuid.uuid4().hex
    response = StreamingHttpResponse(written(parts, boundary))
    response["Content-Type"] = f'{MULTIPART}; type="{media_type}"; boundary={boundary}'
    if isinstance(parts, list):
        sizes = [part.content.size_bytes for part in parts]
        known = [size for size in sizes if size is not None]
        if len(known) == len(sizes):
            heads = sum(len(_head(part, boundary)) for part in parts)
            response["Content-Length"] = str(sum(known) + heads + 2 * len(parts) + len(_end(boundary)))
    return response


def part_type(content: Content) -> str:
    """Content-Type of a part, or of an answer that is a single one."""
    syntax = f"; transfer-syntax={content.transfer_syntax_uid}" if content.transfer_syntax_uid else ""
    return f"{content.media_type}{syntax}"


def written(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    """The whole body."""
    for part in parts:
        yield _head(part, boundary)
        yield from part.content.chunks
        yield b"\r\n"
    yield _end(boundary)


def _head(part: Part, boundary: str) -> bytes:
    lines = (f"--{boundary}", f"Content-Type: {part_type(part.content)}", f"Content-Location: {part.address}", "", "")
    return "\r\n".join(lines).encode()


def _end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()


def receive(chunks: Iterable[bytes], boundary: str, folder: Path) -> Iterator[Path]:
    """Writes each part of a body into a file of its own in `folder`, and yields it as soon as it is whole.

    Raises MultipartInvalid, also when the body ends too early, and TooManyParts.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise MultipartInvalid("The Content-Type has no boundary, or one that is not allowed.")
    files = _PartFiles(folder)
    try:
        parser = MultipartParser(boundary.encode(), files.callbacks())
        for chunk in chunks:
            parser.write(chunk)
            yield from files.take()
    except FormParserError as error:
        raise MultipartInvalid("The body is not well-formed multipart/related.") from error
    finally:
        files.close()
    if not files.is_ended:
        raise MultipartInvalid("The body ends before its closing boundary.")


class _PartFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._file: IO[bytes] | None = None
        self._whole: list[Path] = []
        self.is_ended = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._write,
            "on_part_end": self._finish,
            "on_end": self._end,
        }

    def take(self) -> list[Path]:
        whole, self._whole = self._whole, []
        return whole

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _begin(self) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise TooManyParts
        self._file = (self._folder / f"{self._count:06}").open("wb")

    def _write(self, data: bytes, start: int, end: int) -> None:
        assert self._file is not None  # noqa: S101 - a part has begun
        self._file.write(memoryview(data)[start:end])

    def _finish(self) -> None:
        assert self._file is not None  # noqa: S101 - a part has begun
        self._file.close()
        self._whole.append(Path(self._file.name))

    def _end(self) -> None:
        self.is_ended = True
