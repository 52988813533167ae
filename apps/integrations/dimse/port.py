"""What a listener asks of the station behind it, and what that may answer."""

import enum
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

SUCCESS = 0x0000
NOT_AUTHORISED = 0x0124
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900


@dataclass(frozen=True)
class Caller:
    """Who has asked for an association, and of whom; the titles without the spaces around them."""

    called_ae_title: str
    calling_ae_title: str
    address: str


class Refusal(enum.Enum):
    """Of an association: result, source and reason (PS3.8 9.3.4)."""

    CALLING_TITLE_UNKNOWN = (1, 1, 3)
    CALLED_TITLE_UNKNOWN = (1, 1, 7)
    NOT_NOW = (2, 1, 1)


@dataclass(frozen=True)
class Received:
    """A Part 10 file of what came by C-STORE, and what the request says it is. Whoever takes the file may move it."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True)
class Answer:
    """Status (PS3.7 C), and a sentence for people, of which as much is sent as fits (PS3.7 E: 64 characters)."""

    status: int = SUCCESS
    comment: str = ""


@dataclass(frozen=True)
class Question:
    """An identifier of C-FIND or C-GET (PS3.4 C.4): STUDY, SERIES or IMAGE, and keys as `00100010` to what must match.

    Several values are divided by backslashes; an empty one matches everything and is to be returned.
    """

    level: str
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """Some of what matches, as DICOM JSON objects (PS3.18 F.2)."""

    objects: list[dict[str, Any]]
    is_last: bool


@dataclass(frozen=True)
class Stored:
    """An object that can be fetched by its key."""

    key: int
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class NotFetched(Exception):
    """The object cannot be sent; others may."""


class StationRefuses(Exception):
    """The answer says why."""

    def __init__(self, status: int, comment: str) -> None:
        super().__init__(comment)
        self.answer = Answer(status, comment)


class Station(Protocol):
    """Called from several threads at once."""

    def expects(self, address: str) -> bool:
        """Whether anybody at the address may be let in at all; all others are not even answered."""

    def admit(self, caller: Caller) -> Refusal | None:
        """Whether the association is wanted: None."""

    def store(self, caller: Caller, received: Received) -> Answer:
        """Takes one object. SUCCESS says that it is there for good."""

    def find(self, caller: Caller, question: Question, *, offset: int) -> Found:
        """What matches, without the first `offset`. Raises StationRefuses."""

    def select(self, caller: Caller, question: Question) -> list[Stored]:
        """What the unique keys of the question name, about to be sent to the caller. Raises StationRefuses."""

    def fetch(self, stored: Stored, transfer_syntax_uid: str) -> AbstractContextManager[Path]:
        """The Part 10 file until the block ends, as it is stored or in implicit or explicit VR little endian.

        Raises NotFetched.
        """
