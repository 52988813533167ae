"""Sets the environment before Django reads it: a pytest plugin, loaded by pyproject.toml."""

import os
import tempfile
from pathlib import Path

VAR = Path(tempfile.mkdtemp(prefix="maia-test-"))
os.environ["VAR_DIR"] = str(VAR)
os.environ["SECRET_KEY"] = "only for tests"
for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL"):
    os.environ.pop(name, None)

from maia_dashboard import first_start  # noqa: E402 - after the environment

first_start.prepare()


def pytest_unconfigure() -> None:
    import shutil

    shutil.rmtree(VAR, ignore_errors=True)
