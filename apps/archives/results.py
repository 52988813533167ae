"""What became of files that were to be stored."""

import enum
from dataclasses import dataclass

from apps.archives.static.identity import Identity


class FailureReason(enum.IntEnum):
    """Failure Reason (0008,1197) of the Store transaction (PS3.18 I.2.2, PS3.4 B.2.3, PS3.7 C)."""

    PROCESSING_FAILURE = 0x0110
    DUPLICATE_INSTANCE = 0x0111
    OUT_OF_RESOURCES = 0xA700
    DOES_NOT_MATCH = 0xA900
    CANNOT_UNDERSTAND = 0xC000


class Outcome(enum.Enum):
    STORED = "stored"
    PRESENT = "present"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StoredResult:
    """STORED and PRESENT (the same bytes were there already) are both success. Only REFUSED has sentence and reason."""

    name: str
    outcome: Outcome
    identity: Identity | None = None
    sentence: str = ""
    failure_reason: FailureReason | None = None

    @property
    def is_refused(self) -> bool:
        return self.outcome is Outcome.REFUSED
