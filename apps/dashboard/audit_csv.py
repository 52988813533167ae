"""Audit rows as CSV."""

from collections.abc import Iterable, Iterator

from apps.audit.models import Entry
from apps.core import spreadsheets
from apps.dashboard.audit_lines import Line, lines_of

HEADINGS = ("time", "person", "e-mail", "action", "project", "subject", "address", "request", "detail")


def written(chunks: Iterable[list[Entry]]) -> Iterator[str]:
    """The file in pieces, with its headings first."""
    yield from spreadsheets.lines([HEADINGS])
    for chunk in chunks:
        yield "".join(spreadsheets.lines(_cells(line) for line in lines_of(chunk)))


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.at.isoformat(timespec="seconds"),
        line.who,
        line.actor.email if line.actor else "",
        line.entry.action,
        line.project.namespace if line.project else "",
        line.subject,
        line.entry.address or "",
        line.entry.request_id,
        "; ".join(f"{name}: {value}" for name, value in line.detail),
    )
