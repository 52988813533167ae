"""The fetched release as it is served."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from wsgiref.headers import Headers

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from whitenoise.base import WhiteNoise
from whitenoise.middleware import WhiteNoiseMiddleware

from apps.viewer import release
from apps.viewer.policy import HEADER, hashes_of_inline_scripts, policy

DOCUMENT = "index.html"
# Such a name has a hash of the content in it.
_HASHED = re.compile(r"(^|[./])[0-9a-f]{16}\.(js|wasm|woff2)$")
_YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Document:
    """The one page of OHIF, and what a browser lets it do."""

    html: str
    policy: str


def folder() -> Path | None:
    """Where the release lies; None while it was not fetched."""
    found = release.folder_in(settings.VIEWER_DIR)
    return found if found.is_dir() else None


@lru_cache(maxsize=1)
def document(folder: Path) -> Document:
    html = (folder / DOCUMENT).read_text()
    return Document(html, policy(hashes_of_inline_scripts(html)))


def serve(folder: Path, request: HttpRequest) -> HttpResponseBase | None:
    """The file at the address of the request; None when the release has none there."""
    file = _files(folder).get(request.path_info)
    return None if file is None else WhiteNoiseMiddleware.serve(file, request)


@lru_cache(maxsize=1)
def _files(folder: Path) -> dict[str, object]:
    """By address. A request never touches a path of the file system that is not among these."""
    site = WhiteNoise(
        None, folder, release.MOUNT, max_age=None, allow_all_origins=False, add_headers_function=_add_headers
    )
    found: dict[str, object] = site.files
    del found[f"{release.MOUNT}{DOCUMENT}"]
    return found


def _add_headers(headers: Headers, path: str, url: str) -> None:
    # Workers are held to what their own script came with, not to the policy of the page.
    headers[HEADER] = policy()
    lasts = f"max-age={_YEAR_SECONDS}, immutable" if _HASHED.search(url) else "no-cache"
    headers["Cache-Control"] = f"private, {lasts}"
