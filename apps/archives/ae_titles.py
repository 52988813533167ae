"""The AE titles by which devices call projects (PS3.5 6.2: 16 characters). Touches no database."""

import re
from collections.abc import Iterator
from itertools import count

LENGTH = 16


def proposals(namespace: str) -> Iterator[str]:
    """Titles for a project, the plainest first: letters and digits of its namespace, then with a number behind."""
    plain = re.sub(r"[^A-Z0-9]", "", namespace.upper())
    yield plain[:LENGTH]
    for number in count(2):
        end = f"_{number}"
        yield plain[: LENGTH - len(end)] + end
