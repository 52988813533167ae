"""Running a bundled algorithm as its contract says, without the portal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "deploy" / "samples"


def run_sample(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m <name> <arguments>` in the samples' folder."""
    return subprocess.run(
        [sys.executable, "-m", name, *map(str, arguments)],
        cwd=SAMPLES,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
