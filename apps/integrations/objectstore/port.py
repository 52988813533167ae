"""What a bucket is asked for, and how it may fail."""

from collections.abc import Iterable, Iterator
from typing import IO, Protocol


class BucketFailed(Exception):
    """The bucket is of no use now; the message says why, for administrators."""


class BucketApi(Protocol):
    """One bucket. All methods raise BucketFailed; all may be called by several threads at once."""

    def put(self, key: str, body: IO[bytes], *, content_type: str, content_encoding: str = "") -> None:
        """The object as a whole or not at all, in place of an older one; lasting when this returns."""

    def get(self, key: str) -> bytes | None:
        """None when there is no such object."""

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin so."""

    def delete(self, keys: Iterable[str]) -> None:
        """What is gone is as wished."""
