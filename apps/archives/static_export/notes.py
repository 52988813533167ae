"""What an export remembers of each series, so that the next one writes only what changed."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from apps.archives.static_export.target import Target

_SERIES, _LEVEL, _MODALITIES = "series-", "level-", "modalities"
UNKNOWN = ""
"""Of an object that is perhaps there, perhaps half."""


@dataclass
class SeriesNote:
    """`instances` are those that the target may have, each by SOP Instance UID with the digest of all its files;
    `digest` is that of the files of the series itself.
    """

    study_instance_uid: str
    series_instance_uid: str
    digest: str = UNKNOWN
    instances: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"studies/{self.study_instance_uid}/series/{self.series_instance_uid}"

    def doubt(self, sop_instance_uids: Iterable[str]) -> None:
        """To be written before these are touched, or the files of the series: whoever is killed then leaves no lie."""
        self.digest = UNKNOWN
        self.instances.update(dict.fromkeys(sop_instance_uids, UNKNOWN))

    def write(self, target: Target) -> None:
        target.write_note(f"{_SERIES}{self.series_instance_uid}", json.dumps(asdict(self)).encode())

    def remove(self, target: Target) -> None:
        target.remove_note(f"{_SERIES}{self.series_instance_uid}")


def series_note(target: Target, series_instance_uid: str) -> SeriesNote | None:
    text = target.note(f"{_SERIES}{series_instance_uid}")
    return SeriesNote(**json.loads(text)) if text else None


def noted_series(target: Target) -> list[str]:
    """The UIDs of all series that the target may have something of."""
    return [name.removeprefix(_SERIES) for name in target.note_names() if name.startswith(_SERIES)]


def modalities(target: Target) -> set[str]:
    """Those of which the target has a list."""
    return set(json.loads(target.note(_MODALITIES) or b"[]"))


def note_modalities(target: Target, modalities: Iterable[str]) -> None:
    target.write_note(_MODALITIES, json.dumps(sorted(modalities)).encode())


def level_digest(target: Target, level: str) -> str:
    """Of the files of a study (by its UID), or of the archive ("archive"); UNKNOWN when they are not all there."""
    return (target.note(f"{_LEVEL}{level}") or b"").decode()


def note_level(target: Target, level: str, digest: str) -> None:
    target.write_note(f"{_LEVEL}{level}", digest.encode())


def forget_level(target: Target, level: str) -> None:
    target.remove_note(f"{_LEVEL}{level}")
