"""CSV that a spreadsheet takes for text, whatever people have put into it."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

# https://owasp.org/www-community/attacks/CSV_Injection: where a cell begins for a spreadsheet, of some countries with a
# semicolon and wide signs, and what it would calculate there.
FORMULA = re.compile(r"(?:^(?=[\t\r\n])|(?:^|(?<=[;,\t\r\n]))(?= *[=+\-@＝＋－＠]))")


def lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Each row as a line of CSV."""
    writer = csv.writer(_Line())
    return (writer.writerow([safe(cell) for cell in row]) for row in rows)


def safe(cell: str) -> str:
    """With an apostrophe before what a spreadsheet would calculate."""
    return FORMULA.sub("'", cell)


class _Line:
    """A file that only hands back what is written to it."""

    def write(self, line: str) -> str:
        return line
