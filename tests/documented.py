"""The commands of the documents, as the tests run them.

A comment before each block of commands names the test that runs it: `<!-- run: tests/… -->`; before one that people
paste into a form or a file, the test that does so: `<!-- pasted: tests/… -->`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.portal import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "administrators.md"
BLOCK = re.compile(r"<!-- run: (\S+) -->\n```\n(.*?)```", re.DOTALL)
PASTED = re.compile(r"<!-- pasted: (\S+) -->\n```\n(.*?)```", re.DOTALL)
STRICT = "set -euo pipefail\n"


def blocks(test: str, document: Path = DOCUMENT) -> list[str]:
    """Those of the document that this file runs, each a script for bash."""
    own = str(Path(test).relative_to(REPOSITORY))
    return [STRICT + block for name, block in BLOCK.findall(document.read_text()) if name == own]


def pasted(test: str, document: Path = DOCUMENT) -> list[str]:
    """What this file pastes of the document."""
    own = str(Path(test).relative_to(REPOSITORY))
    return [text for name, text in PASTED.findall(document.read_text()) if name == own]


def adapted(script: str, here: Mapping[str, str]) -> str:
    """The script for this machine: by what is here instead of what is documented, all of which must be there."""
    for documented, own in here.items():
        assert documented in script, documented
        script = script.replace(documented, own)
    return script
