"""The client of any DICOMweb server (PS3.18 10)."""

import hashlib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import IO

from apps.integrations.dicomweb import capabilities
from apps.integrations.dicomweb.exchange import Exchange, checked, chunks, existing, length_of
from apps.integrations.dicomweb.port import (
    AnswerInvalid,
    DeletionRefused,
    Digest,
    NoSpaceLeft,
    ObjectNotTaken,
    ObjectTooLong,
    Origin,
    StoringRefused,
    StudyFound,
)
from apps.integrations.dicomweb.related import DICOM, OneObject, RelatedInvalid, only_part
from apps.integrations.dicomweb.searching import INSTANCE, JSON, SERIES, STUDY, integer_in, search, uid_in
from apps.integrations.kubernetes.route import Route

PER_PAGE = 200
MOST_PAGES = 1000
_AS_STORED = f'multipart/related; type="{DICOM}"; transfer-syntax=*'
# Of what stands around the one part of an answer.
_WRAPPING_BYTES = 64 * 1024
_INSTANCES_IN_STUDY = "00201208"
_REFUSED = (
    *(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)
_NO_STORE = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_DELETED = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, *_GONE)
_NO_DELETE = (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.BAD_REQUEST)


class DicomWeb:
    """The DICOMweb service to whose root the route leads (see `port.DicomWebApi`)."""

    def __init__(self, route: Route, username: str, password: str) -> None:
        self._exchange = Exchange(route, username, password)
        self._username = username

    def store(self, path: Path) -> None:
        body = OneObject(path)
        headers = {"Content-Type": body.content_type, "Accept": JSON}
        with self._exchange.answer("POST", "/studies", data=body, headers=headers) as response:
            if response.status_code in _REFUSED:
                raise ObjectNotTaken
            if response.status_code in _NO_STORE:
                raise StoringRefused
            if response.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
                raise NoSpaceLeft
            if response.status_code != HTTPStatus.ACCEPTED:  # which says that something was not stored
                checked(response)
                return
        raise ObjectNotTaken

    def download(self, name: str, destination: IO[bytes], *, most_bytes: int) -> Digest:
        digest, received = hashlib.sha256(), 0
        with self._exchange.answer("GET", f"/{name}", headers={"Accept": _AS_STORED}) as response:
            expected = length_of(existing(response))
            if expected is not None and expected > most_bytes + _WRAPPING_BYTES:
                raise ObjectTooLong
            try:
                for chunk in only_part(chunks(response, expected), response.headers.get("Content-Type", "")):
                    received += len(chunk)
                    if received > most_bytes:
                        raise ObjectTooLong
                    digest.update(chunk)
                    destination.write(chunk)
            except RelatedInvalid as error:
                raise AnswerInvalid("It answers with something else than an object.") from error
        return Digest(received, digest.hexdigest())

    def delete(self, name: str) -> None:
        with self._exchange.answer("DELETE", f"/{name}") as response:
            if response.status_code in _NO_DELETE:
                raise DeletionRefused
            if response.status_code not in _DELETED:
                checked(response)

    def has(self, name: str) -> bool:
        series, _, sop_instance_uid = name.rpartition("/instances/")
        query = {"SOPInstanceUID": sop_instance_uid, "limit": "1"}
        found = search(self._exchange, f"/{series}/instances", query, may_be_absent=True)
        return any(uid_in(one, INSTANCE) == sop_instance_uid for one in found)

    def origin(self, name: str) -> Origin:
        """What is not known to be somebody else's may be the portal's own."""
        return Origin("", username=self._username)

    def instances_of(self, sop_instance_uid: str) -> list[str]:
        found = search(self._exchange, "/instances", {"SOPInstanceUID": sop_instance_uid})
        uids = [tuple(uid_in(one, tag) for tag in (STUDY, SERIES, INSTANCE)) for one in found]
        return [_name(*three) for three in uids if all(three) and three[-1] == sop_instance_uid]

    def ping(self) -> None:
        search(self._exchange, "/studies", {"limit": "1"})

    def studies(self, offset: int) -> list[StudyFound]:
        query = {"limit": str(PER_PAGE), "offset": str(offset), "includefield": _INSTANCES_IN_STUDY}
        found = search(self._exchange, "/studies", query)
        return [StudyFound(uid_in(one, STUDY), integer_in(one, _INSTANCES_IN_STUDY)) for one in found]

    def has_study(self, study_instance_uid: str) -> bool:
        found = search(self._exchange, "/studies", {"StudyInstanceUID": study_instance_uid, "limit": "1"})
        return any(uid_in(one, STUDY) == study_instance_uid for one in found)

    def instances(self, study_instance_uid: str) -> Iterator[str]:
        study = f"/studies/{study_instance_uid}"
        for series_instance_uid in self._all(f"{study}/series", SERIES):
            for sop_instance_uid in self._all(f"{study}/series/{series_instance_uid}/instances", INSTANCE):
                yield _name(study_instance_uid, series_instance_uid, sop_instance_uid)

    def capabilities(self) -> dict[str, bool]:
        return capabilities.probed(self._exchange)

    def _all(self, path: str, tag: str) -> Iterator[str]:
        """UIDs, page by page, however many the server gives at once, and whether or not it knows pages at all."""
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            query = {"limit": str(PER_PAGE), "offset": str(len(seen))}
            found = search(self._exchange, path, query, may_be_absent=True)
            fresh = dict.fromkeys(uid for one in found if (uid := uid_in(one, tag)) and uid not in seen)
            if not fresh:
                return
            seen.update(fresh)
            yield from fresh
        raise AnswerInvalid("Its list has no end.")


def _name(study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> str:
    return f"studies/{study_instance_uid}/series/{series_instance_uid}/instances/{sop_instance_uid}"
