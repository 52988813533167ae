"""What an archive must be able to do with the bytes of its objects. The index of them is always in the database."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from apps.archives.intake import Arrival
from apps.archives.models import Instance
from apps.archives.results import StoredResult


class ObjectUnavailable(Exception):
    """The index has the object, but its bytes are missing or damaged."""

    def __init__(self) -> None:
        super().__init__("The archive has lost this object; an administrator has to look.")


class ArchiveUnreachable(Exception):
    """The server that holds the objects is of no use now; the index is. The message is for everybody."""


class DeletionRefused(Exception):
    """The server that holds the objects deletes nothing for the portal."""


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
    """How a frame is to be shown; None leaves it to the image. `region` is as `static.rendering.render` says."""

    media_type: str = "image/jpeg"
    window: tuple[float, float] | None = None
    voi_lut_function: str | None = None
    width: int | None = None
    height: int | None = None
    region: tuple[float, float, float, float] | None = None
    quality: int = 90


@dataclass(frozen=True)
class Picture:
    """`window` is centre and width as they were applied; None for colour and for masks."""

    media_type: str
    body: bytes
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class Published:
    """A file is in place. Not new: the same bytes were there already. `arrival` says by which name, if it has one."""

    arrival: Arrival
    is_new: bool


class ImageStore(Protocol):
    """The bytes of one archive.

    All methods that read raise ObjectUnavailable when the object's bytes are not there, and FileRefused, with a
    sentence, when they cannot be decoded. All but `new_folder` and `sweep` may raise ArchiveUnreachable; what is
    handed out piece by piece then ends early.
    """

    def new_folder(self) -> Path:
        """A fresh folder for files that arrive, on the file system from which `publish` takes them."""

    def publish(self, arrivals: Sequence[Arrival]) -> list[Published | StoredResult]:
        """Puts files in place, durable when this returns; never over another, which is refused.

        The given files stay as they are. After ArchiveUnreachable some may be in place.
        """

    def confirm(self, arrivals: Sequence[Arrival]) -> None:
        """Puts in place again what a deletion has taken away since `publish`.

        Called when the rows of these are written and not yet committed, with the index locked.
        """

    def withdraw(self, arrival: Arrival) -> None:
        """Takes back a file that was published but did not come into the index, unless somebody else's did."""

    def fetch(self, instance: Instance) -> AbstractContextManager[Path]:
        """The Part 10 file, bit for bit as it came, on this machine until the block ends; to be read only."""

    def is_at_hand(self, instance: Instance) -> bool:
        """Whether reading the object waits for no other machine."""

    def fault_of(self, instance: Instance) -> str:
        """What is wrong with the stored bytes, as the end of a sentence; "" when they are as they came. Reads all."""

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

    def sweep(self, *, older_than_seconds: float) -> int:
        """Removes what uploads that died have left on this machine; returns how many."""
