"""What servers of images are asked for, and what they may answer.

An Orthanc (https://orthanc.uclouvain.be/book/users/rest.html) names an object by `orthanc_id`: a hash of PatientID and
the UIDs of study, series and instance. Another DICOMweb server (PS3.18 10) has it at its address below the service:
`studies/…/series/…/instances/…`. Either is the object's `name`.
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
    """What answers is no such server, or a broken one."""


class NoSuchObject(Exception):
    """The server does not have the object."""


class ObjectTooLong(Exception):
    """The server has more bytes of the object than were asked for."""


class NoSpaceLeft(Exception):
    """The server has no room for another object."""


class ObjectNotTaken(Exception):
    """The server reads the object otherwise than as one DICOM instance, and does not store it."""


class StoringRefused(Exception):
    """The server stores nothing for the portal."""


class DeletionRefused(Exception):
    """The server deletes nothing for the portal."""


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


@dataclass(frozen=True)
class StudyFound:
    """A study that a search has found, "" if by no UID; how many instances is None when the server does not say."""

    study_instance_uid: str
    instance_count: int | None


class ObjectServer(Protocol):
    """What has objects by name. Every call ends in time, and raises ServerFailed when the server is of no use."""

    def download(self, name: str, destination: IO[bytes], *, most_bytes: int) -> Digest:
        """The Part 10 file as the server has it. Raises NoSuchObject and ObjectTooLong."""

    def delete(self, name: str) -> None:
        """What is gone already is as wished. Raises DeletionRefused."""

    def has(self, name: str) -> bool:
        """Whether the server has the object."""

    def origin(self, name: str) -> Origin:
        """Raises NoSuchObject."""

    def instances_of(self, sop_instance_uid: str) -> list[str]:
        """The objects with this UID, of whatever patient."""

    def capabilities(self) -> dict[str, bool]:
        """What the server can do, by name (see `capabilities`); what could not be found out is not in it."""

    def ping(self) -> None:
        """Returns when the server is of use."""


class OrthancApi(ObjectServer, Protocol):
    """An Orthanc, by its own interface."""

    def store(self, path: Path) -> Stored:
        """Never over another object. Raises ObjectNotTaken, StoringRefused and NoSpaceLeft."""

    def changes(self, since: int) -> ChangePage:
        """What follows entry `since` of the change log, one page of it."""

    def last_change(self) -> ChangePage:
        """The last entry alone, or none when it is gone or there is none yet."""

    def orthanc_ids(self) -> Iterator[str]:
        """All objects, page by page; one that comes or goes meanwhile may be left out."""

    def count(self) -> int:
        """How many objects there are."""


class DicomWebApi(ObjectServer, Protocol):
    """Any DICOMweb server. It does not say how objects came in."""

    def store(self, path: Path) -> None:
        """Of what is there already the server makes what it wants. Raises as the other `store`."""

    def studies(self, offset: int) -> list[StudyFound]:
        """One page of all studies, from `offset` (from 0) on; empty when there are no more."""

    def has_study(self, study_instance_uid: str) -> bool:
        """Whether a search finds the study."""

    def instances(self, study_instance_uid: str) -> Iterator[str]:
        """The names of all instances of a study, series by series."""
