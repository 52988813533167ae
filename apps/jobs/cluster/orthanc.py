"""The project's Orthanc, as the containers of a run need it: whole objects in and out, with the standard library alone.

https://orthanc.uclouvain.be/book/users/rest.html, https://orthanc.uclouvain.be/book/plugins/dicomweb.html, PS3.18 10.5
"""

from __future__ import annotations

import base64
import functools
import hashlib
import http.client
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlencode, urlsplit

PORTAL_USER = "portal"
TIMEOUT_SECONDS = 120
PATIENCE_SECONDS = 120
CHUNK_BYTES = 1024**2
Got = TypeVar("Got")


class ArchiveFailed(Exception):
    """The archive cannot be reached, or does not do what it should; the message names no patient."""


class ObjectRefused(Exception):
    """The archive does not take an object."""


class Orthanc:
    """Every request is repeated while the archive is not there, for it may be starting anew: PATIENCE_SECONDS each."""

    def __init__(
        self,
        address: str,
        user: str,
        password: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        parts = urlsplit(address)
        self._address = (parts.hostname or "", parts.port or 80)
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {word}"}
        self._patience_seconds = patience_seconds
        self._timeout_seconds = timeout_seconds

    @classmethod
    def of_secret(cls, address: str, folder: Path) -> Orthanc:
        """As the portal, with the password in Orthanc's own users.json."""
        users = json.loads((folder / "users.json").read_text(encoding="utf-8"))["RegisteredUsers"]
        return cls(address, PORTAL_USER, users[PORTAL_USER])

    def fetch(self, sop_instance_uid: str, destination: Path) -> str | None:
        """Write the object, bit for bit, to a new file; its SHA-256, or None when the archive does not have it."""
        for orthanc_id in self._instances(sop_instance_uid):
            return self._patiently(functools.partial(self._download, f"/instances/{orthanc_id}/file", destination))
        return None

    def sha256(self, sop_instance_uid: str) -> str | None:
        """Of the object as the archive has it now."""
        return self.fetch(sop_instance_uid, Path(os.devnull))

    def lookup(self, uid: str) -> list[str]:
        """Orthanc's own identifiers of what has this UID, at whatever level."""
        return [str(found["ID"]) for found in self._found(uid)]

    def finds(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> bool:
        """Whether a query (QIDO-RS) finds the object."""
        query = urlencode({"SOPInstanceUID": sop_instance_uid})
        path = f"/dicom-web/studies/{study_instance_uid}/series/{series_instance_uid}/instances?{query}"
        return bool(json.loads(self._ask("GET", path) or b"[]"))

    def store(self, path: Path) -> None:
        """STOW-RS of one object; an object that is there already stays as it is. Raises ObjectRefused."""
        answer = json.loads(self._patiently(functools.partial(self._stow, path)))
        if "00081198" in answer and answer["00081198"].get("Value"):
            raise ObjectRefused("The archive refuses an object.")

    def remove(self, sop_instance_uids: Iterable[str]) -> None:
        """What is gone already is as wished."""
        for uid in sop_instance_uids:
            self._patiently(functools.partial(self._remove, uid))

    def _remove(self, uid: str) -> None:
        # Looked up at every try: what a lost answer was about is gone by now, and asking for it again would fail.
        for orthanc_id in self._instances(uid):
            self._send(f"/instances/{orthanc_id}", None, {}, "DELETE")

    def _instances(self, uid: str) -> list[str]:
        # A patient's identifier may be made to look like the UID of somebody else's object.
        return [str(found["ID"]) for found in self._found(uid) if found["Type"] == "Instance"]

    def _found(self, uid: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._ask("POST", "/tools/lookup", uid.encode()))
        return found

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        return self._patiently(functools.partial(self._send, path, body, {}, method))

    def _patiently(self, request: Callable[[], Got]) -> Got:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                return request()
            except ArchiveFailed:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(2)

    def _stow(self, path: Path) -> bytes:
        boundary = uuid.uuid4().hex
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Content-Length": str(len(head) + path.stat().st_size + len(tail)),
            "Accept": "application/dicom+json",
        }
        with path.open("rb") as file:
            return self._send("/dicom-web/studies", _around(head, file, tail), headers)

    def _send(self, path: str, body: Any, headers: dict[str, str], method: str = "POST") -> bytes:
        with self._answer(method, path, body, headers) as answer:
            return answer.read()

    def _download(self, path: str, destination: Path) -> str:
        digest = hashlib.sha256()
        with self._answer("GET", path, None, {}) as answer, destination.open("wb") as file:
            for chunk in iter(lambda: answer.read(CHUNK_BYTES), b""):
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()

    @contextmanager
    def _answer(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        """A successful response while the block lasts. Raises ArchiveFailed."""
        connection = http.client.HTTPConnection(*self._address, timeout=self._timeout_seconds)
        try:
            connection.request(method, path, body, {**self._headers, **headers})
            response = connection.getresponse()
            if response.status // 100 != 2:
                raise ArchiveFailed(f"The archive answered with {response.status}.")
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise ArchiveFailed("The archive cannot be reached.") from error
        finally:
            connection.close()


def _around(head: bytes, file: BinaryIO, tail: bytes) -> Iterator[bytes]:
    yield head
    yield from iter(lambda: file.read(CHUNK_BYTES), b"")
    yield tail
