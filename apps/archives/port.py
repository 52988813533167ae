"""What an archive must be able to do with the bytes of its objects. The index of them is always in the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from apps.archives.intake import Arrival
from apps.archives.models import Instance, Series
from apps.archives.static.objects import Outcome


class ObjectUnavailable(Exception):
    """The index has the object, but its bytes are missing or damaged."""

    def __init__(self) -> None:
        super().__init__("The archive has lost this object; an administrator has to look.")


class NotInObject(Exception):
    """The object has no such frame or value."""


@dataclass(frozen=True)
class Content:
    """Bytes and what they are; `size_bytes` is None when it shows only in the end. `chunks` may be read once."""

    media_type: str
    chunks: Iterator[bytes]
    size_bytes: int | None
    transfer_syntax_uid: str = ""


@dataclass(frozen=True)
class Look:
    """How a frame is to be shown; None leaves it to the image."""

    media_type: str = "image/jpeg"
    window: tuple[float, float] | None = None
    voi_lut_function: str | None = None
    width: int | None = None
    height: int | None = None
    quality: int = 90


@dataclass(frozen=True)
class Picture:
    """`window` is centre and width as they were applied; None for colour and for masks."""

    media_type: str
    body: bytes
    window: tuple[float, float] | None = None


class ImageStore(Protocol):
    """The bytes of one archive. All methods that read raise ObjectUnavailable when the object's bytes are not there,
    and FileRefused, with a sentence, when they cannot be decoded."""

    def new_folder(self) -> Path:
        """A fresh folder for files that arrive, on the file system from which `publish` takes them."""

    def publish(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Puts files in place, durable when this returns; never over another. The given files stay as they are."""

    def withdraw(self, arrival: Arrival) -> None:
        """Takes back a file that was published but did not come into the index."""

    def path(self, instance: Instance) -> Path:
        """The Part 10 file, for readers on this machine."""

    def whole(self, instance: Instance) -> Content:
        """The Part 10 object, bit for bit as it came."""

    def frames(self, instance: Instance, numbers: Sequence[int]) -> list[Content]:
        """Frames (from 1) as they are stored; big endian and bit-packed ones in little endian and in bytes.

        Raises NotInObject.
        """

    def decoded_frames(self, instance: Instance, numbers: Sequence[int]) -> list[Content]:
        """Frames (from 1) uncompressed, in little endian. Raises NotInObject."""

    def bulk(self, instance: Instance, path: str) -> Content:
        """The value that metadata names by `bulkdata/<path>`. Raises NotInObject."""

    def rendered(self, instance: Instance, frame: int, look: Look) -> Picture:
        """Frame `frame` (from 1) as a screen shows it. Raises NotInObject."""

    def overlay(self, segmentation: Instance, source: Instance, frame: int) -> Picture | None:
        """The segments on frame `frame` (from 1) of `source`, transparent elsewhere; None when there are none."""

    def metadata(self, series: Series) -> Iterator[bytes]:
        """Of each instance one DICOM JSON object, in order; every BulkDataURI relative to the service's root."""
