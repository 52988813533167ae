"""Where the portal is, at which addresses people find it, and what is read from outside."""

import os
from urllib.parse import urlsplit

from maia_dashboard import environment, log_format

ENV = environment.read()
BASE_DIR = ENV["BASE_DIR"]
VAR_DIR = ENV["VAR_DIR"]
# SQLite looks for it once, when it is loaded; on a read-only root there is no other folder for its temporary files.
os.environ.setdefault("SQLITE_TMPDIR", str(VAR_DIR / "tmp"))
os.umask(0o077)  # whatever this process writes is for nobody else, also in a folder that others may enter
SECRET_KEY = ENV["SECRET_KEY"]
CREDENTIALS_KEY = ENV["CREDENTIALS_KEY"]
DEBUG = False
VERSION = "0.1.0"

PUBLIC_URL: str = ENV["PUBLIC_URL"]
DIMSE_PORT: int = ENV["DIMSE_PORT"]
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [_public.hostname or "127.0.0.1", "127.0.0.1", "localhost", "[::1]", *ENV["ALLOWED_HOSTS"]]
WORKSPACES_URL: str = ENV["WORKSPACES_URL"]
if WORKSPACES_URL:
    ALLOWED_HOSTS.append(urlsplit(WORKSPACES_URL).hostname or "")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
IS_HTTPS = _public.scheme == "https"
# The proxy nearest to the portal adds the last address of X-Forwarded-For; what stands before, anyone may have sent.
ALLAUTH_TRUSTED_PROXY_COUNT = ENV["TRUSTED_PROXIES"]
if ENV["TRUSTED_PROXIES"]:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LANGUAGE_CODE = "en-gb"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = None
log_format.configure(ENV["LOG_LEVEL"])
