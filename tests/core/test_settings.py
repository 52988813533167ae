"""What loading the settings does for the process."""

import subprocess
import sys
from pathlib import Path

from tests.portal import REPOSITORY, environment

SCRIPT = """
import os, sys
from maia_dashboard.settings import VAR_DIR
print("sqlite3" in sys.modules, os.environ["SQLITE_TMPDIR"] == str(VAR_DIR / "tmp"))
"""


def test_sqlite_keeps_its_temporary_files_in_var_dir(tmp_path: Path) -> None:
    """It is told before it is loaded, after which it does not listen."""
    own = environment(VAR_DIR=str(tmp_path), SECRET_KEY="only here", SQLITE_TMPDIR="")
    del own["SQLITE_TMPDIR"]
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=REPOSITORY, env=own, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["False", "True"]
