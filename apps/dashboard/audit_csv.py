"""Audit rows as CSV that a spreadsheet takes for text, whatever people have put into it."""

import csv
import re
from collections.abc import Iterable, Iterator

from apps.audit.models import Entry
from apps.dashboard.audit_lines import Line, lines_of

HEADINGS = ("time", "person", "e-mail", "action", "project", "subject", "address", "request", "detail")
# https://owasp.org/www-community/attacks/CSV_Injection: where a cell begins for a spreadsheet, of some countries with a
# semicolon and wide signs, and what it would calculate there.
FORMULA = re.compile(r"(?:^(?=[\t\r\n])|(?:^|(?<=[;,\t\r\n]))(?= *[=+\-@＝＋－＠]))")


def written(chunks: Iterable[list[Entry]]) -> Iterator[str]:
    """The file in pieces, with its headings first."""
    writer = csv.writer(_Line())
    yield writer.writerow(HEADINGS)
    for chunk in chunks:
        yield "".join(writer.writerow([safe(cell) for cell in _cells(line)]) for line in lines_of(chunk))


def safe(cell: str) -> str:
    """With an apostrophe before what a spreadsheet would calculate."""
    return FORMULA.sub("'", cell)


class _Line:
    """A file that only hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


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
