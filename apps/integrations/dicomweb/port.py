"""What an Orthanc is asked for (https://orthanc.uclouvain.be/book/users/rest.html), and what it may answer.

`orthanc_id` is Orthanc's own name of an object: a hash of PatientID and the UIDs of study, series and instance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol


class ServerFailed(Exception):
    """The server is of no use now; the message says why, for administrators."""


class ServerUnreachable(ServerFailed):
    """It does not answer, not in time, or with an error of its own."""


class AccessRefused(ServerFailed):
    """It does not take the user name and password."""


class AnswerInvalid(ServerFailed):
    """What answers is no Orthanc, or a broken one."""


class NoSuchObject(Exception):
    """The server does not have the object."""


class ObjectTooLong(Exception):
    """The server has more bytes of the object than were asked for."""


class NoSpaceLeft(Exception):
    """The server has no room for another object."""


class ObjectNotTaken(Exception):
    """The server reads the object otherwise than as one DICOM instance, and does not store it."""


@dataclass(frozen=True)
class Stored:
    """`is_new` is False when the server has an object of that name, with whatever bytes; that one stays."""

    name: str
    is_new: bool


@dataclass(frozen=True)
class Digest:
    """Of bytes that were received."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Change:
    """One entry of the change log. Deletions are none, and the entries of an object that is deleted go with it."""

    seq: int
    kind: str
    orthanc_id: str
    date: str

    @property
    def mark(self) -> str:
        """What tells it from the entry with this number in another log."""
        return f"{self.orthanc_id} {self.date}"


@dataclass(frozen=True)
class ChangePage:
    """Entries in their order; `last` is the number to go on from, and when `is_done` the highest ever given."""

    changes: tuple[Change, ...]
    last: int
    is_done: bool


@dataclass(frozen=True)
class Origin:
    """How an object came in: `kind` is DicomProtocol, RestApi, Plugins…; the others may be empty."""

    kind: str
    calling_ae_title: str = ""
    remote_ip: str = ""
    username: str = ""


class OrthancApi(Protocol):
    """Every call ends in time, and raises ServerFailed when the server is of no use."""

    def store(self, path: Path) -> Stored:
        """Never over another object. Raises ObjectNotTaken and NoSpaceLeft."""

    def download(self, orthanc_id: str, destination: IO[bytes], *, most_bytes: int) -> Digest:
        """The Part 10 file as it was stored. Raises NoSuchObject and ObjectTooLong."""

    def delete(self, orthanc_id: str) -> None:
        """What is gone already is as wished."""

    def has(self, orthanc_id: str) -> bool:
        """Whether the server has the object."""

    def origin(self, orthanc_id: str) -> Origin:
        """Raises NoSuchObject."""

    def changes(self, since: int) -> ChangePage:
        """What follows entry `since` of the change log, one page of it."""

    def last_change(self) -> ChangePage:
        """The last entry alone, or none when it is gone or there is none yet."""

    def orthanc_ids(self) -> Iterator[str]:
        """All objects, page by page; one that comes or goes meanwhile may be left out."""

    def instances_of(self, sop_instance_uid: str) -> list[str]:
        """The objects with this UID, of whatever patient."""

    def count(self) -> int:
        """How many objects there are."""
