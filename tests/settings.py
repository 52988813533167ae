"""The portal's settings in a folder that is thrown away."""

import atexit
import os
import shutil
import tempfile

VAR = tempfile.mkdtemp(prefix="maia-test-")
atexit.register(shutil.rmtree, VAR, ignore_errors=True)
os.environ["VAR_DIR"] = VAR
os.environ["SECRET_KEY"] = "only for tests"
for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL"):
    os.environ[name] = os.environ.get(f"TEST_{name}", "")
if os.environ["REDIS_URL"]:
    # Tests that run at the same time have a Redis database each, as pytest-django gives them one of PostgreSQL.
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{number}"

from maia_dashboard import first_start  # noqa: E402 - after the environment

first_start.prepare()

from maia_dashboard.settings import *  # noqa: E402, F403

# Pages in tests show the files as they are; the manifest is proved by the tests that start the whole portal.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
