"""The HTTP client of an Orthanc."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from apps.integrations.dicomweb.port import (
    AccessRefused,
    AnswerInvalid,
    Change,
    ChangePage,
    Digest,
    NoSpaceLeft,
    NoSuchObject,
    ObjectNotTaken,
    ObjectTooLong,
    Origin,
    ServerFailed,
    ServerUnreachable,
    Stored,
)
from apps.integrations.kubernetes.route import DOOR, Route, session_by

CONNECT_SECONDS, SILENCE_SECONDS = 3.0, 10.0
ANSWER_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 512 * 1024
MOST_JSON_BYTES = 16 * 1024**2
CHANGES_PER_PAGE, IDS_PER_PAGE = 200, 5000
_DICOM = "application/dicom"
_CHUNK_BYTES = 256 * 1024
_ORTHANC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


class Orthanc:
    """The Orthanc to whose HTTP root the route leads (see `port.OrthancApi`)."""

    def __init__(self, route: Route, username: str, password: str) -> None:
        self._route = route
        self._credentials = username, password

    def store(self, path: Path) -> Stored:
        with path.open("rb") as file:
            headers = {"Content-Type": _DICOM}
            with self._answer("POST", "/instances", data=file, headers=headers) as response:
                if response.status_code == HTTPStatus.BAD_REQUEST:
                    raise ObjectNotTaken
                if response.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
                    raise NoSpaceLeft
                answer = _json(_checked(response))
        # What it takes for a zip archive is answered by a list.
        if not isinstance(answer, dict) or answer.get("Status") not in ("Success", "AlreadyStored"):
            raise ObjectNotTaken
        return Stored(_orthanc_id(answer.get("ID")), answer["Status"] == "Success")

    def download(self, orthanc_id: str, destination: IO[bytes], *, most_bytes: int) -> Digest:
        with self._answer("GET", f"/instances/{orthanc_id}/file") as response:
            if _found(response).headers.get("Content-Type") != _DICOM:
                raise AnswerInvalid("It answers with something else than an object.")
            expected = _length(response)
            if expected > most_bytes:
                raise ObjectTooLong
            digest = hashlib.sha256()
            received = 0
            for chunk in _chunks(response, expected):
                digest.update(chunk)
                destination.write(chunk)
                received += len(chunk)
        if received != expected:
            raise ServerUnreachable("It ended an answer early.")
        return Digest(received, digest.hexdigest())

    def delete(self, orthanc_id: str) -> None:
        with self._answer("DELETE", f"/instances/{orthanc_id}") as response:
            if response.status_code != HTTPStatus.NOT_FOUND:
                _checked(response)

    def has(self, orthanc_id: str) -> bool:
        try:
            self._object(f"/instances/{orthanc_id}")
        except NoSuchObject:
            return False
        return True

    def origin(self, orthanc_id: str) -> Origin:
        found = self._object(f"/instances/{orthanc_id}/metadata?expand")
        values = [str(found.get(name, "")) for name in ("Origin", "RemoteAET", "RemoteIP", "HttpUsername")]
        return Origin(*values)

    def changes(self, since: int) -> ChangePage:
        return _page(self._get(f"/changes?since={since}&limit={CHANGES_PER_PAGE}"))

    def last_change(self) -> ChangePage:
        return _page(self._get("/changes?last"))

    def orthanc_ids(self) -> Iterator[str]:
        start = 0
        while page := self._get(f"/instances?since={start}&limit={IDS_PER_PAGE}", list):
            yield from map(_orthanc_id, page)
            start += len(page)

    def instances_of(self, sop_instance_uid: str) -> list[str]:
        with self._answer("POST", "/tools/lookup", data=sop_instance_uid.encode()) as response:
            found = _json(_checked(response))
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise AnswerInvalid("It answers with something else than Orthanc does.")
        # A patient's identifier may be made to look like the UID of somebody else's object.
        return [_orthanc_id(one.get("ID")) for one in found if one.get("Type") == "Instance"]

    def count(self) -> int:
        return _integer(self._get("/statistics"), "CountInstances")

    def _get(self, path: str, kind: type = dict) -> Any:
        """What every Orthanc has."""
        with self._answer("GET", path) as response:
            return _of_kind(_json(_checked(response)), kind)

    def _object(self, path: str) -> Any:
        """Of an object, which it need not have."""
        with self._answer("GET", path) as response:
            return _of_kind(_json(_found(response)), dict)

    @contextmanager
    def _answer(self, method: str, path: str, **arguments: Any) -> Iterator[requests.Response]:
        try:
            with (
                _session(self._route, self._credentials) as session,
                session.request(
                    method,
                    self._route.address + path,
                    timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
                    stream=True,
                    allow_redirects=False,
                    **arguments,
                ) as response,
            ):
                if self._route.gateway is not None and DOOR not in response.headers:
                    raise _turned_back(response.status_code)
                yield response
        except (requests.Timeout, ReadTimeoutError) as error:
            raise ServerUnreachable("It does not answer in time.") from error
        except (requests.RequestException, HTTPError) as error:
            raise ServerUnreachable("It takes no connection, or breaks it off.") from error


def _session(route: Route, credentials: tuple[str, str]) -> requests.Session:
    """For one request: Orthanc ends idle connections after a second, which a kept one shows only when it is used."""
    session = session_by(route, credentials)
    session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
    return session


def _turned_back(status: int) -> ServerFailed:
    """An answer of what stands before Orthanc, which may know nothing of what Orthanc has."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AccessRefused(f"What passes requests on to it refuses the portal ({status}): check the cluster.")
    return ServerUnreachable(f"What passes requests on to it answers in its place ({status}).")


def _of_kind(found: Any, kind: type) -> Any:
    if not isinstance(found, kind):
        raise AnswerInvalid("It answers with something else than Orthanc does.")
    return found


def _found(response: requests.Response) -> requests.Response:
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NoSuchObject
    return _checked(response)


def _checked(response: requests.Response) -> requests.Response:
    status = response.status_code
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise AccessRefused(f"It refuses the portal's user name and password ({status}).")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ServerUnreachable(f"It answers with an error ({status}).")
    if status != HTTPStatus.OK:
        raise AnswerInvalid(f"It answers otherwise than Orthanc does ({status}).")
    return response


def _chunks(response: requests.Response, expected: int) -> Iterator[bytes]:
    """The body as it comes, so that one that drips ends in time too, and one in chunks where it said.

    Raises ServerUnreachable and AnswerInvalid.
    """
    deadline = time.monotonic() + ANSWER_SECONDS + expected / LEAST_BYTES_PER_SECOND
    received = 0
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
        received += len(chunk)
        if received > expected:
            raise AnswerInvalid("Its answer is longer than it said.")
        if time.monotonic() > deadline:
            raise ServerUnreachable("It answers too slowly.")
        yield chunk


def _length(response: requests.Response) -> int:
    stated = response.headers.get("Content-Length", "")
    if not stated.isdecimal():
        raise AnswerInvalid("It does not say how long its answer is.")
    return int(stated)


def _json(response: requests.Response) -> Any:
    if (expected := _length(response)) > MOST_JSON_BYTES:
        raise AnswerInvalid("Its answer is longer than any of Orthanc's.")
    try:
        return json.loads(b"".join(_chunks(response, expected)))
    except ValueError as error:
        raise AnswerInvalid("It answers with something else than Orthanc does.") from error


def _page(found: dict[str, Any]) -> ChangePage:
    changes = found.get("Changes")
    if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
        raise AnswerInvalid("Its change log is not as Orthanc writes it.")
    return ChangePage(tuple(map(_change, changes)), _integer(found, "Last"), found.get("Done") is True)


def _change(found: dict[str, Any]) -> Change:
    kind, date = _text(found, "ChangeType"), _text(found, "Date")
    return Change(_integer(found, "Seq"), kind, _orthanc_id(found.get("ID")), date)


def _orthanc_id(value: object) -> str:
    """Checked, since it becomes a part of addresses."""
    if not isinstance(value, str) or not _ORTHANC_ID.fullmatch(value):
        raise AnswerInvalid("It names an object otherwise than Orthanc does.")
    return value


def _text(found: dict[str, Any], name: str) -> str:
    if not isinstance(found.get(name), str):
        raise AnswerInvalid(f"Its answer has no {name}.")
    return str(found[name])


def _integer(found: dict[str, Any], name: str) -> int:
    if not isinstance(found.get(name), int):
        raise AnswerInvalid(f"Its answer has no {name}.")
    return int(found[name])
