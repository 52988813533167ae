"""What `stage` and `collect` have in common: where things are mounted, and how they end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

INPUT, OUTPUT, REQUEST, ARCHIVE = Path("/in"), Path("/out"), Path("/request"), Path("/archive")
TERMINATION_LOG = Path("/dev/termination-log")
WRONG, BROKEN = 3, 4
"""Exit codes: it will be so again; another attempt may do better."""


def leave(exit_code: int, sentence: str) -> NoReturn:
    """End with a sentence that the portal finds in the pod's status."""
    print(sentence, flush=True)  # noqa: T201
    if TERMINATION_LOG.exists():
        TERMINATION_LOG.write_text(sentence, encoding="utf-8")
    sys.exit(exit_code)
