"""What the page of a project's archives shows, from rows alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.archives.models import Archive
from apps.archives.overview import Seen, overview
from apps.archives.selectors import outage_of
from apps.archives.services import DEFAULT_NAME
from apps.core.badges import Badge
from apps.projects.access import Entry

# As a person asks for them, in the order of the page.
WORDS = {
    "search": "search",
    "paging": "pages",
    "metadata": "metadata",
    "fetch": "fetch objects",
    "frames": "frames",
    "rendered": "pictures",
    "store": "store",
    "delete": "delete",
}
# The portal makes the rest of what it fetches.
_OF_ORTHANC = {name: WORDS[name] for name in ("search", "fetch", "store", "delete")}


@dataclass(frozen=True)
class Line:
    archive: Archive
    seen: Seen
    study_count: int
    badge: Badge
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def may_be_taken_out(self) -> bool:
        is_free = self.seen.is_entered if self.archive.is_remote else not self.study_count
        return is_free and not self.archive.is_default and self.archive.name != DEFAULT_NAME


def shown(entry: Entry) -> dict[str, Any]:
    return {
        "project": entry.project,
        "lines": list(_lines(entry)),
        "may_manage": entry.is_owner_or_administrator,
    }


def _lines(entry: Entry) -> Iterator[Line]:
    for archive, seen, study_count in overview(entry.project):
        known = seen.capabilities or {}
        words = _OF_ORTHANC if archive.kind == Archive.Kind.ORTHANC else WORDS
        answers = {
            value: tuple(word for name, word in words.items() if known.get(name) is value) for value in (True, False)
        }
        unknown = tuple(word for name, word in words.items() if name not in known) if known else ()
        yield Line(archive, seen, study_count, _badge(archive, seen, entry), answers[True], answers[False], unknown)


def _badge(archive: Archive, seen: Seen, entry: Entry) -> Badge:
    if not archive.is_remote:
        return Badge("good", "circle-check", "Here", "")
    outage = outage_of(archive) if archive.project.is_asleep else None
    if outage:
        return Badge("off", "ban", "Asleep", "It was stopped together with the project.")
    if seen.unreachable_since:
        return Badge(
            "bad", "alert-triangle", "Does not answer", seen.complaint if entry.is_owner_or_administrator else ""
        )
    if seen.last_seen_at is None:
        return Badge("wait", "hourglass", "Not looked at yet", "")
    if seen.pass_started_at:
        return Badge("busy", "loader-2", "Being indexed", "")
    return Badge("good", "circle-check", "Answers", "")
