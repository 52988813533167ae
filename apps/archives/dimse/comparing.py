"""Whether two Part 10 files differ in their header alone (PS3.10 7.1): DIMSE carries data sets without a header."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import IO

from apps.archives.models import Archive, Instance
from apps.archives.stores import store_of

_CHUNK_BYTES = 1024 * 1024
_HEADER_AT = 132
# (0002,0000), UL, 4 bytes: how long what follows of the header is.
_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
_LARGEST_HEADER_BYTES = 64 * 1024


def has_same_data_set(archive: Archive, received: Path, *, sop_instance_uid: str, transfer_syntax_uid: str) -> bool:
    """Whether the archive's object of this UID is the received one with another header.

    Raises ObjectUnavailable and ArchiveUnreachable.
    """
    found = Instance.objects.select_related("archive", "series__study").defer("metadata", "attributes", "frames")
    instance = found.get(archive=archive, sop_instance_uid=sop_instance_uid)
    if instance.transfer_syntax_uid != transfer_syntax_uid:
        return False
    with store_of(archive).fetch(instance) as stored, stored.open("rb") as one, received.open("rb") as other:
        return _skip_header(one) and _skip_header(other) and _is_same_rest(one, other)


def _skip_header(file: IO[bytes]) -> bool:
    """Leads to the data set; False where the header does not say how long it is."""
    file.seek(_HEADER_AT)
    if file.read(len(_LENGTH)) != _LENGTH:
        return False
    length = int.from_bytes(file.read(4), "little")
    file.seek(length, 1)
    return length <= _LARGEST_HEADER_BYTES


def _is_same_rest(one: IO[bytes], other: IO[bytes]) -> bool:
    return all(left == right for left, right in zip_longest(_chunks(one), _chunks(other)))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
