"""Prints what became of every file on its way in and out: `python -m tests.archives.roundtrip_table`."""

import subprocess
import sys
from pathlib import Path

TABLES = Path(__file__).resolve().parents[2] / "build" / "roundtrip"


def main() -> int:
    tests = [sys.executable, "-m", "pytest", "-q", "--timeout=0", "tests/archives/test_roundtrip.py"]
    failed = subprocess.run(tests, check=False, stdout=sys.stderr).returncode
    for path in sorted(TABLES.glob("*.md")):
        print(f"{path.stem}\n\n{path.read_text()}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
