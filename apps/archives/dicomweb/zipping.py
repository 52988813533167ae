"""application/zip (PS3.18 10.4.4, ISO 21320-1), streamed; members are not compressed, so that the length is known."""

import io
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zipfile import ZipFile, ZipInfo

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from apps.archives.dicomweb.negotiation import ZIP

if TYPE_CHECKING:
    from typing_extensions import Buffer

_READABLE = 0o644 << 16


@dataclass(frozen=True)
class Member:
    """One file of the archive. `chunks` may be read once; they are `size_bytes` long, or raise."""

    path: str
    size_bytes: int
    chunks: Iterator[bytes]


def respond(members: Sequence[Member], *, name: str) -> StreamingHttpResponse:
    """The archive as one streamed answer, to be saved as `name`.zip.

    A member that fails midway ends the answer before its Content-Length, and without the directory of an archive.
    """
    response = StreamingHttpResponse(_written(members), content_type=ZIP)
    response["Content-Length"] = str(_length(members))
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{name}.zip")
    return response


class _Output(io.BufferedIOBase):
    """What zipfile writes to, without going back: gathered until it is taken."""

    def __init__(self) -> None:
        self.position = 0
        self._waiting: list[bytes] = []

    def write(self, content: "Buffer", /) -> int:
        piece = bytes(content)
        self._waiting.append(piece)
        self.position += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self.position

    def take(self) -> bytes:
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)


def _written(members: Iterable[Member]) -> Iterator[bytes]:
    output = _Output()
    with ZipFile(output, "w") as archive:
        for member in members:
            with archive.open(_info(member), "w") as file:
                for chunk in member.chunks:
                    file.write(chunk)
                    yield output.take()
    yield output.take()


def _length(members: Iterable[Member]) -> int:
    """What zipfile writes for members of these sizes, found by having it write all but their content."""
    output = _Output()
    with ZipFile(output, "w") as archive:
        for member in members:
            info = _info(member)
            archive.open(info, "w").close()
            output.position += member.size_bytes
            archive.start_dir = output.position
            info.file_size = info.compress_size = member.size_bytes
    return output.position


def _info(member: Member) -> ZipInfo:
    info = ZipInfo(member.path, time.gmtime()[:6])
    info.file_size = member.size_bytes
    info.external_attr = _READABLE
    return info
