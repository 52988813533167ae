"""An upload whose sender goes away half-way, or whose server is killed, leaves nothing half there and goes on."""

import os
import shutil
import signal
import socket
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.archives.services import IncomingFile
from apps.datasets.models import Upload
from apps.datasets.uploads import progress, services
from tests.conftest import ClientOf
from tests.datasets.uploads.sending import KEY, announce, announcement, contents_of, send_announced, waiting_on_disk
from tests.dicom import WrittenSeries
from tests.killing import exit_of_child

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
    left_by_others = waiting_on_disk()
    send(live_server, client_of(bob), body, announced=len(body) + 1000)
    assert list(Instance.objects.values_list("sop_instance_uid", flat=True)) == [ct.sop_instance_uids[0]]
    assert waiting_on_disk() == left_by_others


def dying(act: Callable[..., object], *, after_calls: int) -> Callable[..., object]:
    """Kills its process as soon as it has been called so often."""
    left = [after_calls]

    def work(*args: object, **kwargs: object) -> object:
        done = act(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return work


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", ["store_files", "settle"])
def test_a_web_process_that_is_killed_loses_nothing_that_it_had_acknowledged(
    archive: Archive,
    bob: User,
    client_of: ClientOf,
    ct: WrittenSeries,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    bobs = client_of(bob)
    rows = [file["pk"] for file in announce(bobs, announcement(ct))["files"]]
    assert send_announced(bobs, contents_of(ct)[:1], rows[:1]).json()["stored"] == 1
    copies = [IncomingFile(Path(shutil.copy(path, tmp_path))) for path in ct.paths[1:]]
    room = {"store_files": services, "settle": progress}[place]

    def receive() -> None:
        monkeypatch.setattr(services, "BATCH_FILES", 2)
        monkeypatch.setattr(room, place, dying(getattr(room, place), after_calls=1))
        services.receive(archive, copies, by=bob, key=uuid.UUID(KEY), announced=rows[1:])

    assert exit_of_child(receive) == -signal.SIGKILL
    connection.close()
    monkeypatch.undo()
    assert Instance.objects.count() == 3
    outcomes = [file["outcome"] for file in announce(bobs, announcement(ct))["files"]]
    assert outcomes[0] == "stored"
    missing = [index for index, outcome in enumerate(outcomes) if outcome == "waiting"]
    contents = contents_of(ct)
    assert send_announced(bobs, [contents[i] for i in missing], [rows[i] for i in missing]).status_code == 200
    upload = Upload.objects.get()
    assert upload.stored_count + upload.present_count == Instance.objects.count() == len(ct.paths)
    assert not upload.files.filter(outcome="waiting").exists()
