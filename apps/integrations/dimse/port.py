"""What a listener asks of the station behind it, and what that may answer."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SUCCESS = 0x0000
NOT_AUTHORISED = 0x0124
OUT_OF_RESOURCES = 0xA700


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


class Station(Protocol):
    """Called from several threads at once."""

    def expects(self, address: str) -> bool:
        """Whether anybody at the address may be let in at all; all others are not even answered."""

    def admit(self, caller: Caller) -> Refusal | None:
        """Whether the association is wanted: None."""

    def store(self, caller: Caller, received: Received) -> Answer:
        """Takes one object. SUCCESS says that it is there for good."""
