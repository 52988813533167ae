"""How far a run is, by its own words: lines `PROGRESS 0.40 text` in its log."""

import re
from collections.abc import Sequence
from typing import NamedTuple

TEXT_LENGTH = 120
LINE_LENGTH = 300
LINE = re.compile(r"PROGRESS (0(?:\.\d{1,9})?|1(?:\.0{1,9})?)(?: (.*))?")


class Progress(NamedTuple):
    fraction: float
    text: str


def latest_progress(lines: Sequence[str]) -> Progress | None:
    """The last progress among complete lines of a log; lines that only look like it do not count."""
    for line in reversed(lines):
        if found := LINE.fullmatch(line.rstrip("\r")):
            return Progress(float(found[1]), _printable(found[2] or "").strip()[:TEXT_LENGTH])
    return None


def unfinished_bytes(text: str) -> int:
    """How many bytes at the end of `text` are the beginning of a line that may become progress."""
    tail = text.rpartition("\n")[2]
    # A replaced character tells nothing of how many bytes it stood for; no line of progress has one.
    return len(tail.encode()) if len(tail) <= LINE_LENGTH and "\N{REPLACEMENT CHARACTER}" not in tail else 0


def last_words(log: str) -> str:
    """The last line of a log that is no progress, cut at 300 characters; "" if there is none."""
    for line in reversed(log.splitlines()):
        if (said := _printable(line).strip()) and not LINE.fullmatch(line):
            return said[:300]
    return ""


def _printable(text: str) -> str:
    """Without what no page shows and no database takes, such as NUL: an algorithm may write anything."""
    return "".join(letter for letter in text if letter.isprintable())
