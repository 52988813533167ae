"""Random access to the bytes of one file, without ever holding a large file in memory."""

import os
import zlib
from types import TracebackType
from typing import Self

from .refusals import FileRefused

_WINDOW_BYTES = 64 * 1024
_INFLATE_STEP_BYTES = 1024 * 1024
MAX_INFLATED_BYTES = 512 * 1024 * 1024


class FileSource:
    """Bytes of a file by offset; neighbouring small reads share one system call."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size
        self._window = b""
        self._window_start = 0
        self._inflated: bytearray | None = None
        self._inflated_start = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer only at the end of the file."""
        if self._inflated is not None and offset >= self._inflated_start:
            start = offset - self._inflated_start
            return bytes(self._inflated[start : start + length])
        if length > _WINDOW_BYTES:
            return self._read_fully(offset, length)
        if not self._holds(offset, length):
            self._window_start = offset
            self._window = os.pread(self._descriptor, _WINDOW_BYTES, offset)
        start = offset - self._window_start
        return self._window[start : start + length]

    def peek(self, offset: int, length: int) -> bytes:
        """Like `read`, for far jumps: reads no more than asked for."""
        if self._inflated is not None or self._holds(offset, length):
            return self.read(offset, length)
        return os.pread(self._descriptor, length, offset)

    def inflate_from(self, offset: int) -> None:
        """Put the inflated rest of the file in place of the deflated one (PS3.5 A.5).

        From here on offsets behind `offset` count in the inflated bytes. Refuses more than 512 MiB.
        """
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflated = bytearray()
        position = offset
        while not inflater.eof:
            chunk = inflater.unconsumed_tail or self._read_fully(position, _WINDOW_BYTES)
            position += 0 if inflater.unconsumed_tail else len(chunk)
            if not chunk:
                raise FileRefused("The file is cut short: its deflated data set has no end.")
            inflated += _inflate_step(inflater, chunk)
            if len(inflated) > MAX_INFLATED_BYTES:
                raise FileRefused("The deflated data set unpacks to more than 512 MiB, which is not accepted.")
        self._inflated, self._inflated_start = inflated, offset
        self.size = offset + len(inflated)

    @property
    def is_inflated(self) -> bool:
        return self._inflated is not None

    def _holds(self, offset: int, length: int) -> bool:
        return self._window_start <= offset and offset + length <= self._window_start + len(self._window)

    def _read_fully(self, offset: int, length: int) -> bytes:
        first = os.pread(self._descriptor, length, offset)
        if len(first) == length or not first:
            return first
        return first + self._read_fully(offset + len(first), length - len(first))


def _inflate_step(inflater: "zlib._Decompress", chunk: bytes) -> bytes:
    try:
        return inflater.decompress(chunk, _INFLATE_STEP_BYTES)
    except zlib.error:
        raise FileRefused("The deflated data set is damaged.") from None
