"""STOW-RS at the door: bodies of all kinds, and what is answered (PS3.18 10.5)."""

import errno
import io
import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pytest_django.fixtures import Settings

from apps.archives import intake, storing
from apps.archives.dicomweb import multipart as parsing
from apps.archives.models import Archive, Instance
from apps.archives.static.pool import PoolBusy
from apps.archives.static_archive import StaticArchive
from tests.archives.dicom_files import image, save
from tests.archives.dicomweb import BOUNDARY, STOW_TYPE, Service, body_of, multipart, values
from tests.dicom import WrittenSeries, ct_series


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "source", slices=2)


@pytest.fixture
def body(series: WrittenSeries) -> bytes:
    return multipart([path.read_bytes() for path in series.paths])


def leftovers(archive: Archive, settings: Settings) -> list[Path]:
    incoming = settings.ARCHIVES_DIR / str(archive.pk) / "incoming"
    return list(incoming.iterdir()) if incoming.exists() else []


def test_the_answer_is_a_data_set(service: Service, series: WrittenSeries, body: bytes) -> None:
    response = service.post(body)
    assert response["Content-Type"] == "application/dicom+json"
    answer = Dataset.from_json(body_of(response).decode())
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == list(series.sop_instance_uids)
    assert answer.RetrieveURL.endswith(f"/dicomweb/studies/{series.study_instance_uid}")
    first = answer.ReferencedSOPSequence[0].RetrieveURL
    assert service.client.get(first.removeprefix("http://testserver"), headers=service.headers).status_code == 200


def test_failures_have_reason_and_sentence(service: Service, series: WrittenSeries) -> None:
    response = service.store([series.paths[0].read_bytes()[:-1], b"no dicom"])
    assert response.status_code == 409
    answer = Dataset.from_json(body_of(response).decode())
    assert "ReferencedSOPSequence" not in answer
    assert [item.FailureReason for item in answer.OtherFailuresSequence] == [0xC000, 0xC000]
    assert all(item.TextValue.endswith(".") for item in answer.OtherFailuresSequence)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/dicom",
        "application/dicom+json",
        f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}',
        f"multipart/form-data; boundary={BOUNDARY}",
        "",
    ],
)
def test_other_types_of_body_are_refused(service: Service, body: bytes, content_type: str) -> None:
    response = service.post(body, content_type=content_type)
    assert response.status_code == 415
    assert "multipart/related" in response.json()["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        f'Multipart/Related; Type="application/dicom"; Boundary="{BOUNDARY}"',
        f"multipart/related; boundary={BOUNDARY}; type=application/dicom; charset=utf-8",
        f"multipart/related; boundary={BOUNDARY}",
    ],
)
def test_the_type_may_be_written_in_many_ways(service: Service, body: bytes, content_type: str) -> None:
    assert service.post(body, content_type=content_type).status_code == 200


def test_parts_may_have_any_headers_or_none(service: Service, series: WrittenSeries) -> None:
    files = [path.read_bytes() for path in series.paths]
    body = (
        f"\r\n--{BOUNDARY}\r\n\r\n".encode()
        + files[0]
        + f"\r\n--{BOUNDARY}\r\nContent-Location: x\r\nContent-Type: application/dicom; x=1\r\n\r\n".encode()
        + files[1]
        + f"\r\n--{BOUNDARY}--".encode()
    )
    assert service.post(body).status_code == 200
    assert Instance.objects.count() == 2


@pytest.mark.attacks
@pytest.mark.parametrize(
    "change",
    [
        lambda body: body[:-20],
        lambda body: body[: len(body) // 2],
        lambda body: b"no parts at all",
        lambda body: f"--{BOUNDARY}--\r\n".encode(),
        lambda body: body.replace(f"--{BOUNDARY}\r\n".encode(), f"--{BOUNDARY} \r\n".encode()),
        lambda body: body.replace(b"Content-Type", b"Content\x00Type"),
        lambda body: body.replace(b"Content-Type", b"X" * 100_000),
    ],
)
def test_a_malformed_body_stores_nothing(
    service: Service, archive: Archive, settings: Settings, body: bytes, change: Any
) -> None:
    response = service.post(change(body))
    assert response.status_code == 400
    assert response.json()["detail"].endswith(".")
    assert Instance.objects.count() == 0
    assert not leftovers(archive, settings)


@pytest.mark.attacks
@pytest.mark.parametrize("boundary", ["", "a" * 71, "a\tb", "ä", 'a"b'])
def test_boundaries_that_are_not_allowed_are_refused(service: Service, body: bytes, boundary: str) -> None:
    content_type = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
    assert service.post(body, content_type=content_type).status_code == 400


def test_what_is_too_large_is_refused(
    service: Service, archive: Archive, settings: Settings, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOAD_MAX_BYTES = len(body) - 1
    assert service.post(body).status_code == 413
    settings.UPLOAD_MAX_BYTES = len(body)
    monkeypatch.setattr(parsing, "MAX_PARTS", 1)
    response = service.post(body)
    assert response.status_code == 413
    assert "parts" in response.json()["detail"]
    assert Instance.objects.count() == 0
    assert not leftovers(archive, settings)


def test_a_body_of_unknown_length_is_read_when_the_server_ends_it(
    service: Service, settings: Settings, body: bytes
) -> None:
    def send(**environment: Any) -> int:
        unknown = {"CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(body), **environment}
        address = f"{service.root}/studies"
        return service.client.generic("POST", address, b"-", STOW_TYPE, headers=service.headers, **unknown).status_code

    assert send(**{"wsgi.input_terminated": True}) == 200
    assert send() == 411
    settings.UPLOAD_MAX_BYTES = len(body) - 1
    assert send(**{"wsgi.input_terminated": True}) == 413


@pytest.mark.faults
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said(
    service: Service, archive: Archive, settings: Settings, body: bytes, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(StaticArchive, "publish", full)
    response = service.post(body)
    assert response.status_code == 507
    assert "full" in response.json()["detail"]
    assert Instance.objects.count() == 0
    assert not leftovers(archive, settings)


@pytest.mark.faults
def test_a_busy_archive_refuses_for_now(service: Service, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        def call_many(self, *_: object, **__: object) -> None:
            raise PoolBusy

    monkeypatch.setattr(intake, "default_pool", Busy)
    response = service.post(body)
    assert response.status_code == 409
    assert {values(item, "00081197")[0] for item in json.loads(body_of(response))["0008119A"]["Value"]} == {0xA700}


def test_large_requests_are_stored_in_batches(service: Service, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "BATCH", 1)
    assert service.post(body).status_code == 200
    assert Instance.objects.count() == 2


def test_parts_are_handed_on_as_soon_as_they_are_whole(tmp_path: Path) -> None:
    body = multipart([b"one", b"two"])
    taken: list[int] = []

    def chunks() -> Iterator[bytes]:
        for at in range(0, len(body), 7):
            taken.append(at)
            yield body[at : at + 7]

    parts = parsing.receive(chunks(), BOUNDARY, tmp_path)
    assert next(parts).read_bytes() == b"one"
    assert taken[-1] < len(body) - 30
    assert [path.read_bytes() for path in parts] == [b"two"]


class _Stream(io.RawIOBase):
    """A request's body that is never in memory as a whole."""

    def __init__(self, path: Path) -> None:
        head, tail = multipart([b"\0"]).split(b"\0")
        self._pieces = [io.BytesIO(head), path.open("rb"), io.BytesIO(tail)]

    def read(self, size: int = -1) -> bytes:
        while self._pieces:
            chunk = self._pieces[0].read(size)
            if chunk:
                return chunk
            self._pieces.pop(0).close()
        return b""


def test_a_large_object_is_never_in_memory(service: Service, tmp_path: Path) -> None:
    path = save(image(np.zeros((96, 512, 1024), np.uint16)), tmp_path / "large.dcm")
    environment = {"wsgi.input": _Stream(path), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    address = f"{service.root}/studies"
    tracemalloc.start()
    try:
        response = service.client.generic("POST", address, b"-", STOW_TYPE, headers=service.headers, **environment)
        assert response.status_code == 200
        place = values(response.json(), "00081199")[0]["00081190"]["Value"][0].split("/dicomweb/")[1]
        for read in (place, f"{place}/frames/1", f"{place}/bulkdata/7FE00010"):
            assert sum(map(len, service.get(read).streaming_content)) > 1024 * 1024
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 96 * 1024 * 1024
    assert peak < 16 * 1024 * 1024
