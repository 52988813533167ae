"""Zip archives (ISO 21320-1) written while they are sent; members are not compressed, so that the length is known."""

import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zipfile import ZipFile, ZipInfo

if TYPE_CHECKING:
    from typing_extensions import Buffer

MEDIA_TYPE = "application/zip"
_READABLE = 0o644 << 16


@dataclass(frozen=True)
class Member:
    """One file of an archive. `chunks` may be read once; they are `size_bytes` long, or raise."""

    path: str
    size_bytes: int
    chunks: Iterator[bytes]


def written(members: Iterable[Member]) -> Iterator[bytes]:
    """The whole archive. What a member raises ends it without the directory that makes it one."""
    output = _Output()
    with ZipFile(output, "w") as archive:
        for member in members:
            with archive.open(_info(member), "w") as file:
                for chunk in member.chunks:
                    file.write(chunk)
                    yield output.take()
    yield output.take()


def length_of(members: Iterable[Member]) -> int:
    """How many bytes `written` gives, found by having zipfile write all but the content."""
    output = _Output()
    with ZipFile(output, "w") as archive:
        for member in members:
            info = _info(member)
            archive.open(info, "w").close()
            output.position += member.size_bytes
            archive.start_dir = output.position
            info.file_size = info.compress_size = member.size_bytes
    return output.position


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


def _info(member: Member) -> ZipInfo:
    info = ZipInfo(member.path, time.gmtime()[:6])
    info.file_size = member.size_bytes
    info.external_attr = _READABLE
    return info
