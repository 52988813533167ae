"""The HTTP client of an Orthanc."""

import hashlib
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from apps.integrations.dicomweb import capabilities
from apps.integrations.dicomweb.exchange import Exchange, checked, chunks, existing, json_of, length_of
from apps.integrations.dicomweb.port import (
    AnswerInvalid,
    Change,
    ChangePage,
    DeletionRefused,
    Digest,
    NoSpaceLeft,
    NoSuchObject,
    ObjectNotTaken,
    ObjectTooLong,
    Origin,
    Stored,
    StoringRefused,
)
from apps.integrations.kubernetes.route import Route

CHANGES_PER_PAGE, IDS_PER_PAGE = 200, 5000
_DICOM = "application/dicom"
# Of a proxy before it, or of a filter in it: the user may do other things.
_NOT_ALLOWED = (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_ORTHANC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


class Orthanc:
    """The Orthanc to whose HTTP root the route leads (see `port.OrthancApi`)."""

    def __init__(self, route: Route, username: str, password: str) -> None:
        self._exchange = Exchange(route, username, password)

    def store(self, path: Path) -> Stored:
        with path.open("rb") as file:
            headers = {"Content-Type": _DICOM}
            with self._exchange.answer("POST", "/instances", data=file, headers=headers) as response:
                if response.status_code == HTTPStatus.BAD_REQUEST:
                    raise ObjectNotTaken
                if response.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
                    raise NoSpaceLeft
                if response.status_code in _NOT_ALLOWED:
                    raise StoringRefused
                answer = json_of(checked(response))
        # What it takes for a zip archive is answered by a list.
        if not isinstance(answer, dict) or answer.get("Status") not in ("Success", "AlreadyStored"):
            raise ObjectNotTaken
        return Stored(_orthanc_id(answer.get("ID")), answer["Status"] == "Success")

    def download(self, orthanc_id: str, destination: IO[bytes], *, most_bytes: int) -> Digest:
        with self._exchange.answer("GET", f"/instances/{orthanc_id}/file") as response:
            if existing(response).headers.get("Content-Type") != _DICOM:
                raise AnswerInvalid("It answers with something else than an object.")
            expected = length_of(response)
            if expected is None:
                raise AnswerInvalid("It does not say how long its answer is.")
            if expected > most_bytes:
                raise ObjectTooLong
            digest = hashlib.sha256()
            for chunk in chunks(response, expected):
                digest.update(chunk)
                destination.write(chunk)
        return Digest(expected, digest.hexdigest())

    def delete(self, orthanc_id: str) -> None:
        with self._exchange.answer("DELETE", f"/instances/{orthanc_id}") as response:
            if response.status_code in _NOT_ALLOWED:
                raise DeletionRefused
            if response.status_code != HTTPStatus.NOT_FOUND:
                checked(response)

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
        with self._exchange.answer("POST", "/tools/lookup", data=sop_instance_uid.encode()) as response:
            found = json_of(checked(response))
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise AnswerInvalid("It answers with something else than Orthanc does.")
        # A patient's identifier may be made to look like the UID of somebody else's object.
        return [_orthanc_id(one.get("ID")) for one in found if one.get("Type") == "Instance"]

    def ping(self) -> None:
        self.count()

    def capabilities(self) -> dict[str, bool]:
        first = [_orthanc_id(found) for found in self._get("/instances?since=0&limit=1", list)]
        return capabilities.of_orthanc(self._exchange, *first[:1])

    def count(self) -> int:
        return _integer(self._get("/statistics"), "CountInstances")

    def _get(self, path: str, kind: type = dict) -> Any:
        """What every Orthanc has."""
        with self._exchange.answer("GET", path) as response:
            return _of_kind(json_of(checked(response)), kind)

    def _object(self, path: str) -> Any:
        """Of an object, which it need not have."""
        with self._exchange.answer("GET", path) as response:
            return _of_kind(json_of(existing(response)), dict)


def _of_kind(found: Any, kind: type) -> Any:
    if not isinstance(found, kind):
        raise AnswerInvalid("It answers with something else than Orthanc does.")
    return found


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
