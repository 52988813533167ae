"""The unique identifiers by which an object is filed."""

import re
from dataclasses import dataclass

from .dataset import Part10
from .refusals import FileRefused

# PS3.5 9.1, except that leading zeros in components pass: several vendors write them.
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_MAX_UID_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one object from all others."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str

    @property
    def address(self) -> str:
        """The object's own address, relative to the root of a DICOMweb service (PS3.18 10.1)."""
        return instance_address(self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid)


def identity_of(part10: Part10) -> Identity:
    """The four UIDs; raises FileRefused when one is missing or not a UID (PS3.5 9.1)."""
    return Identity(
        study_instance_uid=_uid(part10, 0x0020000D, "StudyInstanceUID"),
        series_instance_uid=_uid(part10, 0x0020000E, "SeriesInstanceUID"),
        sop_instance_uid=_uid(part10, 0x00080018, "SOPInstanceUID"),
        sop_class_uid=_uid(part10, 0x00080016, "SOPClassUID"),
    )


def instance_address(study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> str:
    """The address of an object relative to the root of a DICOMweb service (PS3.18 10.1)."""
    return f"studies/{study_instance_uid}/series/{series_instance_uid}/instances/{sop_instance_uid}"


def is_uid(text: str) -> bool:
    """Whether the archive could hold an object by this UID."""
    return len(text) <= _MAX_UID_LENGTH and _UID.fullmatch(text) is not None


def _uid(part10: Part10, tag: int, keyword: str) -> str:
    values = part10.texts(tag)
    if not values or not values[0]:
        raise FileRefused(f"The file has no {keyword}, so it cannot be filed.")
    if len(values) > 1 or not is_uid(values[0]):
        raise FileRefused(f"The {keyword} of the file is not a valid UID (digits and dots, at most 64 characters).")
    return values[0]
