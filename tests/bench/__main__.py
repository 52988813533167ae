"""`make bench`: every figure, each group in a process of its own."""

import subprocess
import sys

GROUPS = ("pages", "members", "dicomweb", "dimse", "export", "viewer", "runs", "collector", "hanging")


def main() -> int:
    asked = sys.argv[1:] or GROUPS
    return max(
        subprocess.run([sys.executable, "-m", f"tests.bench.{group}"], check=False).returncode for group in asked
    )


if __name__ == "__main__":
    sys.exit(main())
