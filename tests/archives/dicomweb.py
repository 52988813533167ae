"""A small DICOMweb client over Django's test client: builds bodies by hand, so that tests can also build wrong ones."""

import email.parser
import email.policy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from django.http import HttpResponseBase
from django.test import Client

from apps.accounts.models import User
from tests.dicom import WrittenSeries

BOUNDARY = "a-boundary"
OCTETS = 'multipart/related; type="application/octet-stream"'
STOW_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


@dataclass
class Service:
    """`/projects/cardiac-mr/dicomweb`, by token or by session."""

    client: Client
    headers: dict[str, str] = field(default_factory=dict)
    root: str = "/projects/cardiac-mr/dicomweb"

    @classmethod
    def by_token(cls, secret: str) -> "Service":
        return cls(Client(), {"Authorization": f"Bearer {secret}"})

    @classmethod
    def by_session(cls, user: User) -> "Service":
        client = Client()
        client.force_login(user)
        return cls(client)

    def get(self, path: str, accept: str = "", **query: Any) -> HttpResponseBase:
        headers = {**self.headers, **({"Accept": accept} if accept else {})}
        return self.client.get(f"{self.root}/{path}", query, headers=headers)

    def search(self, path: str, **query: Any) -> list[dict[str, Any]]:
        response = self.get(path, **query)
        assert response.status_code == 200, response.content
        found: list[dict[str, Any]] = response.json()
        return found

    def store(self, bodies: Sequence[bytes], path: str = "studies") -> HttpResponseBase:
        return self.post(multipart(bodies), path)

    def store_files(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Stores files, all of which must be taken."""
        response = self.store([path.read_bytes() for path in paths])
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        return answer

    def post(self, body: bytes, path: str = "studies", content_type: str = STOW_TYPE) -> HttpResponseBase:
        return self.client.post(f"{self.root}/{path}", body, content_type=content_type, headers=self.headers)


def multipart(bodies: Sequence[bytes]) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + body + b"\r\n" for body in bodies) + f"--{BOUNDARY}--\r\n".encode()


def body_of(response: HttpResponseBase) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def parts_of(response: HttpResponseBase) -> list[tuple[str, bytes]]:
    """Content-Type and bytes of each part, read by Python's own parser of mail."""
    body = body_of(response)
    if "Content-Length" in response:
        assert int(response["Content-Length"]) == len(body)
    head = f"Content-Type: {response['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    boundary = message.get_boundary()
    pieces = body.split(f"--{boundary}".encode())
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    found = []
    for piece in pieces[1:-1]:
        headers, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found.append((headers.decode().splitlines()[0].removeprefix("Content-Type: "), content.removesuffix(b"\r\n")))
    return found


def values(dataset: dict[str, Any], tag: str) -> list[Any]:
    found: list[Any] = dataset[tag].get("Value", [])
    return found


def failures(response: HttpResponseBase) -> list[tuple[int, str]]:
    """Failure reason and sentence of everything that was refused."""
    answer = json.loads(body_of(response))
    items = [*answer.get("00081198", {}).get("Value", []), *answer.get("0008119A", {}).get("Value", [])]
    return [(values(item, "00081197")[0], values(item, "0040A160")[0]) for item in items]


def place(series: WrittenSeries) -> str:
    """Of a series in the service."""
    return f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"


def stored(service: Service, path: Path) -> str:
    """Stores a file and gives its place in the service."""
    service.store_files([path])
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    return f"studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
