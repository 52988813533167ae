"""What `stage` and `collect` are told of their run. UIDs and hashes only: nothing that names a patient."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from apps.jobs.gate_report import Expected


@dataclass(frozen=True)
class Request:
    archive: str
    """The HTTP root of the project's Orthanc."""
    study_instance_uid: str
    series_instance_uid: str
    inputs: dict[str, str]
    """SHA-256 by SOPInstanceUID."""
    expected: Expected
    abandoned: tuple[str, ...] = ()
    """SOPInstanceUIDs that an attempt may have stored which then broke: to be removed."""

    def encode(self) -> bytes:
        return gzip.compress(json.dumps(asdict(self)).encode(), mtime=0)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        fields = json.loads(gzip.decompress(encoded))
        expected, abandoned = fields.pop("expected"), fields.pop("abandoned")
        classes = tuple(expected.pop("sop_class_uids"))
        return cls(**fields, expected=Expected(classes, **expected), abandoned=tuple(abandoned))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Put together from the pieces as they are mounted."""
        return cls.decode(b"".join(path.read_bytes() for path in sorted(folder.glob("[0-9]*"))))
