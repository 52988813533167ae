"""The way of a run's containers to the project's Orthanc while that starts anew."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pytest

from apps.jobs.cluster import orthanc as door
from apps.jobs.cluster.orthanc import ArchiveFailed, Orthanc

UID = "1.2.9.1"
FILE = b"DICM" * 1000
PATIENT = {"ID": "p", "Type": "Patient"}
FOUND = json.dumps([PATIENT, {"ID": "a", "Type": "Instance"}]).encode()


class Answer(BytesIO):
    def __init__(self, status: int, body: bytes = b"", *, is_cut: bool = False) -> None:
        super().__init__(body)
        self.status, self._is_cut = status, is_cut

    def read(self, size: int | None = -1) -> bytes:
        if not (chunk := super().read(size)) and self._is_cut:
            raise http.client.IncompleteRead(b"")
        return chunk


class Connection:
    """Answers as told, in turn; OSError where the archive is not there."""

    answers: list[Answer | OSError]
    bodies: list[bytes]
    paths: list[str]

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def request(self, method: str, path: str, body: bytes | Iterable[bytes] | None, _headers: object) -> None:
        self.paths.append(f"{method} {path}")
        self.bodies.append(body if isinstance(body, bytes) else b"".join(body or ()))

    def getresponse(self) -> Answer:
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def close(self) -> None:
        pass


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> type[Connection]:
    monkeypatch.setattr(Connection, "answers", [], raising=False)
    monkeypatch.setattr(Connection, "bodies", [], raising=False)
    monkeypatch.setattr(Connection, "paths", [], raising=False)
    monkeypatch.setattr(door.http.client, "HTTPConnection", Connection)
    monkeypatch.setattr(door.time, "sleep", lambda _: None)
    return Connection


def orthanc(patience_seconds: float = 60) -> Orthanc:
    return Orthanc("http://10.96.7.7:8042", "portal", "secret", patience_seconds=patience_seconds)


def test_an_object_is_stored_whole_once_the_archive_is_back(connection: type[Connection], tmp_path: Path) -> None:
    (tmp_path / "seg.dcm").write_bytes(FILE)
    connection.answers = [ConnectionResetError(), Answer(503), Answer(200, b"{}")]
    orthanc().store(tmp_path / "seg.dcm")
    assert [FILE in body for body in connection.bodies] == [True, True, True]


def test_an_object_is_fetched_from_its_beginning_once_the_archive_is_back(
    connection: type[Connection], tmp_path: Path
) -> None:
    connection.answers = [Answer(200, FOUND), Answer(200, FILE[:99], is_cut=True), Answer(503), Answer(200, FILE)]
    assert orthanc().fetch(UID, tmp_path / "ct.dcm") == hashlib.sha256(FILE).hexdigest()
    assert (tmp_path / "ct.dcm").read_bytes() == FILE


def test_the_hash_of_an_object_is_had_once_the_archive_is_back(connection: type[Connection]) -> None:
    connection.answers = [Answer(200, FOUND), ConnectionRefusedError(), Answer(200, FILE)]
    assert orthanc().sha256(UID) == hashlib.sha256(FILE).hexdigest()


def test_patience_has_an_end(connection: type[Connection], tmp_path: Path) -> None:
    (tmp_path / "seg.dcm").write_bytes(FILE)
    connection.answers = [ConnectionRefusedError(), Answer(200, b"{}")]
    with pytest.raises(ArchiveFailed, match="cannot be reached"):
        orthanc(patience_seconds=0).store(tmp_path / "seg.dcm")
    assert len(connection.answers) == 1


def test_what_a_lost_answer_has_removed_is_not_asked_for_again(connection: type[Connection]) -> None:
    connection.answers = [Answer(200, FOUND), OSError(), Answer(200, json.dumps([PATIENT]).encode())]
    orthanc().remove([UID])
    assert connection.paths == ["POST /tools/lookup", "DELETE /instances/a", "POST /tools/lookup"]
    assert not connection.answers
