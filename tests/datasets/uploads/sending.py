"""What the page of uploads sends."""

import io
import json
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.dicom import WrittenSeries

IMAGES = "/projects/cardiac-mr/data/"
UPLOAD = f"{IMAGES}upload/"
KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
JSON = {"Accept": "application/json"}


def announcement(series: WrittenSeries, folder: str = "study") -> list[list[Any]]:
    return [[f"{folder}/{path.name}", path.stat().st_size, 1_700_000_000_000, "head"] for path in series.paths]


def announce(client: Client, files: list[list[Any]], key: str = KEY, *, goes_on: bool = True) -> dict[str, Any]:
    asked = json.dumps({"key": key, "goes_on": goes_on, "files": files})
    response = client.post(f"{IMAGES}uploads/announce/", asked, content_type="application/json", headers=JSON)
    assert response.status_code == HTTPStatus.OK, response.content
    return dict(response.json())


def send_announced(client: Client, contents: list[bytes], announced: list[Any], key: str = KEY) -> Any:
    files = [SimpleUploadedFile("part.dcm", content) for content in contents]
    return client.post(UPLOAD, {"files": files, "announced": announced, "key": key}, headers=JSON)


def contents_of(series: WrittenSeries) -> list[bytes]:
    return [path.read_bytes() for path in series.paths]


def sent(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def files_of(series: WrittenSeries) -> list[SimpleUploadedFile]:
    return [sent(path.name, path.read_bytes()) for path in series.paths]


def waiting_on_disk() -> set[Path]:
    """The files that requests have written and not taken away."""
    return set(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload"))


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def upload(client: Client, *files: SimpleUploadedFile, **fields: str) -> dict[str, Any]:
    response = client.post(UPLOAD, {"files": list(files), **fields}, headers=JSON)
    assert response.status_code == HTTPStatus.OK, response.content
    return dict(response.json())


def leftovers() -> list[Path]:
    return [path for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir() if path.suffix == ".upload"]
