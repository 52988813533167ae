"""What the output gate is told and what it answers, as plain data that goes to a child process and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from apps.jobs.reasons import ReasonCode

MAX_REFUSALS = 100


@dataclass(frozen=True)
class Refusal:
    """One broken rule: the file's name as shown, the attribute (or `file`), and a sentence for the submitter."""

    file: str
    attribute: str
    sentence: str


@dataclass(frozen=True)
class Output:
    """One object that may be stored; `path` is relative to the output directory."""

    path: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class GateReport:
    """What the gate found. All or nothing: with one refusal there are no outputs."""

    outputs: tuple[Output, ...]
    refusals: tuple[Refusal, ...]
    ignored: tuple[str, ...]
    """Names of files that are no DICOM and so do not count, at most 100."""

    @property
    def reason(self) -> str:
        """The reason code of a run that ends here: empty, `NO_OUTPUT` or `INVALID_OUTPUT`."""
        if self.refusals:
            return ReasonCode.INVALID_OUTPUT
        return "" if self.outputs else ReasonCode.NO_OUTPUT

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`; raises `KeyError` or `TypeError` on anything else."""
        outputs = tuple(Output(**output) for output in fields["outputs"])
        return cls(outputs, tuple(Refusal(**refusal) for refusal in fields["refusals"]), tuple(fields["ignored"]))

    @classmethod
    def refused(cls, refusals: Iterable[Refusal], ignored: Iterable[str] = ()) -> Self:
        """A report of nothing but refusals."""
        return cls((), tuple(refusals)[:MAX_REFUSALS], tuple(ignored)[:MAX_REFUSALS])


@dataclass(frozen=True)
class InputImage:
    """What outputs are compared with, of one input object."""

    sop_class_uid: str
    rows: int
    columns: int


@dataclass(frozen=True)
class InputSummary:
    """The inputs of a run as they were staged, before the algorithm could touch anything.

    `patient` holds the JSON value (PS3.18 F.2) of each attribute in `gate_rules.PATIENT_ATTRIBUTES` by keyword.
    """

    study_instance_uid: str
    series_instance_uids: frozenset[str]
    frame_of_reference_uids: frozenset[str]
    patient: dict[str, Any]
    images: dict[str, InputImage]
    """By SOPInstanceUID."""

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `from_json` reads it; it holds the patient's name, so it is for the child's eyes only."""
        sets = {"series_instance_uids", "frame_of_reference_uids"}
        return {key: sorted(value) if key in sets else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(
            study_instance_uid=fields["study_instance_uid"],
            series_instance_uids=frozenset(fields["series_instance_uids"]),
            frame_of_reference_uids=frozenset(fields["frame_of_reference_uids"]),
            patient=fields["patient"],
            images={uid: InputImage(**image) for uid, image in fields["images"].items()},
        )


@dataclass(frozen=True)
class Expected:
    """What this run may produce: declared SOP classes, and how much."""

    sop_class_uids: tuple[str, ...]
    max_files: int = 5_000
    max_bytes: int = 4 * 1024**3
