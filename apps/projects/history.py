"""The turns of a project's life as people read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from apps.core.templatetags.ui import day
from apps.projects.models import Project, ProjectChange

CHANGES_SHOWN = 30
TITLES: Mapping[str, str] = {
    "granted_cpus": "CPU cores",
    "granted_memory_gib": "Memory, GiB",
    "granted_gpus": "GPUs",
    "granted_storage_gib": "Storage, GiB",
    "ends_on": "Last day",
}


@dataclass(frozen=True)
class Line:
    """A change with what was another value before: "CPU cores: 8, was 4"."""

    change: ProjectChange
    values: list[str]


def shown_changes(project: Project) -> list[Line]:
    """The latest, newest first."""
    latest = project.changes.select_related("by").order_by("-pk")[:CHANGES_SHOWN]
    return [Line(change, lines_of(change)) for change in latest]


def lines_of(change: ProjectChange) -> list[str]:
    pairs = change.detail.items()
    return [f"{TITLES[name]}: {_word(name, after)}, was {_word(name, before)}" for name, (before, after) in pairs]


def _word(name: str, value: str) -> str:
    return day(date.fromisoformat(value)) if name == "ends_on" else str(value)
