"""An upload whose sender goes away half-way leaves nothing half there."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries

pytestmark = pytest.mark.faults

BOUNDARY = "between-two-files"
TOKEN = "t" * 32


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def send(live_server: LiveServer, client: Client, body: bytes, announced: int) -> bytes:
    """Sends a body shorter than announced, closes its side, and returns what the server says to that."""
    address = urlsplit(live_server.url)
    headers = [
        "POST /projects/cardiac-mr/data/upload/ HTTP/1.1",
        f"Host: {address.netloc}",
        f"Cookie: sessionid={client.cookies['sessionid'].value}; csrftoken={TOKEN}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        f"Content-Length: {announced}",
        "Accept: application/json",
        "Connection: close",
    ]
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*headers, "", ""]).encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


@pytest.mark.parametrize("cut_bytes", [1, 100, 5])
def test_the_file_that_was_cut_short_is_not_stored(
    live_server: LiveServer,
    archive: Archive,
    client_of: ClientOf,
    bob: User,
    ct: WrittenSeries,
    cut_bytes: int,
) -> None:
    whole, cut = (path.read_bytes() for path in ct.paths[:2])
    start = part("csrfmiddlewaretoken", TOKEN.encode()) + part("files", whole, "whole.dcm")
    body = start + part("files", cut, "cut.dcm")[: -2 - cut_bytes]
    send(live_server, client_of(bob), body, announced=len(body) + 1000)
    assert list(Instance.objects.values_list("sop_instance_uid", flat=True)) == [ct.sop_instance_uids[0]]
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload"))
