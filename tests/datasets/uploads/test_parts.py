"""A large file comes in parts; after a break it goes on where the last acknowledged byte ends; whole, it is taken."""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Instance
from apps.archives.services import ArchiveUnreachable
from apps.datasets import tasks
from apps.datasets.models import Upload, UploadedFile
from apps.datasets.uploads import admission, part_views, parts, services
from tests.conftest import ClientOf
from tests.datasets.uploads.sending import IMAGES, JSON, announce, leftovers, zipped
from tests.dicom import WrittenSeries
from tests.killing import exit_of_child

Outcome = UploadedFile.Outcome


@pytest.fixture
def packed(ct: WrittenSeries) -> bytes:
    return zipped({f"study/{path.name}": path.read_bytes() for path in ct.paths})


@pytest.fixture
def file(bobs: Client, packed: bytes) -> Iterator[UploadedFile]:
    """Announced, and nothing of it has come."""
    row = announce(bobs, [["head.zip", len(packed), 0, "head"]])["files"][0]
    file = UploadedFile.objects.select_related("upload__archive", "upload__by").get(pk=row["pk"])
    yield file
    parts.path_of(file).unlink(missing_ok=True)


def send(client: Client, file: UploadedFile, content: bytes, offset: object) -> Any:
    address = f"{IMAGES}uploads/files/{file.pk}/part/?offset={offset}"
    return client.post(address, content, content_type="application/octet-stream", headers=JSON)


def now(file: UploadedFile) -> UploadedFile:
    file.refresh_from_db()
    return file


def test_parts_make_the_file_and_its_zip_is_unpacked(
    bobs: Client, file: UploadedFile, packed: bytes, bells: list[str], ct: WrittenSeries
) -> None:
    half = len(packed) // 2
    assert send(bobs, file, packed[:half], 0).json() == {"received_bytes": half}
    assert announce(bobs, [["head.zip", len(packed), 0, "head"]])["files"][0]["received_bytes"] == half
    assert send(bobs, file, packed[half:], half).json() == {"received_bytes": len(packed)}
    assert parts.TASK in bells
    assert bobs.get(f"{IMAGES}uploads/files/{file.pk}/").json()["outcome"] == "unpacked"
    assert set(Instance.objects.values_list("sop_instance_uid", flat=True)) == set(ct.sop_instance_uids)
    assert Upload.objects.get().stored_count == 4
    assert leftovers() == []


def test_a_part_elsewhere_is_told_where_the_next_begins(bobs: Client, file: UploadedFile, packed: bytes) -> None:
    send(bobs, file, packed[:10], 0)
    for offset in (0, 9, 11, -1, "x", "9" * 30, ""):
        response = send(bobs, file, packed[:10], offset)
        assert (response.status_code, response.json()) == (HTTPStatus.CONFLICT, {"received_bytes": 10})
    assert parts.path_of(file).read_bytes() == packed[:10]


def test_a_part_beyond_the_end_is_refused(bobs: Client, file: UploadedFile, packed: bytes) -> None:
    assert send(bobs, file, packed + b"x", 0).status_code == HTTPStatus.CONFLICT
    assert now(file).received_bytes == 0
    assert file.outcome == Outcome.WAITING


def test_while_another_window_writes_nothing_is_mixed(bobs: Client, file: UploadedFile, packed: bytes) -> None:
    with parts.path_of(file).open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert send(bobs, file, packed, 0).status_code == HTTPStatus.CONFLICT
    assert send(bobs, file, packed, 0).status_code == HTTPStatus.OK


def test_only_who_announced_it_sends_it(file: UploadedFile, packed: bytes, alice: User, client_of: ClientOf) -> None:
    assert send(client_of(alice), file, packed, 0).status_code == HTTPStatus.NOT_FOUND


def test_too_large_a_file_is_refused(bobs: Client, file: UploadedFile, packed: bytes, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    response = send(bobs, file, packed[:5], 0)
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert not parts.path_of(file).exists()


@pytest.mark.faults
def test_what_came_before_the_connection_broke_is_kept(file: UploadedFile, packed: bytes) -> None:
    def broken() -> Iterator[bytes]:
        yield packed[:100]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        parts.append(file, 0, broken())
    assert now(file).received_bytes == 100
    assert parts.append(file, 100, [packed[100:]]) == len(packed)
    assert now(file).outcome == Outcome.ARRIVED


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_web_process_killed_inside_a_part_leaves_what_was_acknowledged(file: UploadedFile, packed: bytes) -> None:
    parts.append(file, 0, [packed[:100]])

    def dying() -> Iterator[bytes]:
        yield packed[100:200]
        os.kill(os.getpid(), signal.SIGKILL)

    assert exit_of_child(lambda: parts.append(file, 100, dying())) == -signal.SIGKILL
    connection.close()
    assert parts.path_of(file).stat().st_size == 200
    assert now(file).received_bytes == 100
    assert parts.append(file, 100, [packed[100:]]) == len(packed)
    assert parts.path_of(file).read_bytes() == packed


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_web_process_killed_after_the_last_part_leaves_the_file_to_the_sweep(
    file: UploadedFile, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(parts, "ring", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        assert exit_of_child(lambda: parts.append(file, 0, [packed])) == -signal.SIGKILL
    connection.close()
    rung: list[int] = []
    monkeypatch.setattr(parts, "ring", lambda _task, pk: rung.append(pk))
    parts.sweep()
    assert rung == [file.pk]
    tasks.take(file.pk)
    assert now(file).outcome == Outcome.UNPACKED


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_stores_is_followed_by_another(
    file: UploadedFile, packed: bytes, ct: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.append(file, 0, [packed])
    with monkeypatch.context() as patched:
        patched.setattr(services, "BATCH_FILES", 2)
        patched.setattr(services, "store_files", _dying_after(services.store_files, 1))
        assert exit_of_child(lambda: parts.take(file)) == -signal.SIGKILL
    connection.close()
    assert Instance.objects.count() == 2
    tasks.take(file.pk)
    assert Instance.objects.count() == Upload.objects.get().stored_count == len(ct.paths)
    assert now(file).outcome == Outcome.UNPACKED


def _dying_after(real: Callable[..., Any], calls: int) -> Callable[..., Any]:
    left = [calls]

    def store(*args: Any, **kwargs: Any) -> Any:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return real(*args, **kwargs)

    return store


@pytest.mark.faults
def test_an_archive_that_is_away_is_waited_for(
    file: UploadedFile, packed: bytes, bells: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise ArchiveUnreachable("The archive does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(services, "store_files", away)
        parts.append(file, 0, [packed])
        assert now(file).outcome == Outcome.ARRIVED
        assert file.sentence == "The archive does not answer."
    tasks.sweep()
    assert now(file).outcome == Outcome.UNPACKED
    assert Instance.objects.count() == 4


def test_taken_twice_is_taken_once(file: UploadedFile, packed: bytes) -> None:
    parts.append(file, 0, [packed])
    for _ in range(2):
        tasks.take(file.pk)
    assert Upload.objects.get().stored_count == Instance.objects.count() == 4
    with pytest.raises(parts.PartRefused) as refused:
        parts.append(now(file), 0, [packed])
    assert refused.value.received_bytes == len(packed)


def test_a_file_that_was_swept_is_asked_for_anew(file: UploadedFile, packed: bytes) -> None:
    parts.append(file, 0, [packed])
    parts.path_of(file).unlink()
    parts.take(file)
    assert (now(file).outcome, file.received_bytes) == (Outcome.WAITING, 0)


@pytest.mark.faults
def test_a_full_disk_is_said(bobs: Client, file: UploadedFile, packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LEAST_FREE_BYTES", 2**60)
    response = send(bobs, file, packed, 0)
    assert response.status_code == HTTPStatus.INSUFFICIENT_STORAGE
    assert "disk" in response.json()["detail"]
    monkeypatch.undo()
    monkeypatch.setattr(part_views, "_chunks", lambda _request: _full())
    assert send(bobs, file, packed, 0).status_code == HTTPStatus.INSUFFICIENT_STORAGE


def _full() -> Iterator[bytes]:
    raise OSError(28, "No space left on device")
    yield b""
