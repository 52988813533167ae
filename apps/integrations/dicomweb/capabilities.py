"""What a server can do, found out without writing anything: by asking for the first object that it has.

The names: search, paging, metadata, fetch (whole objects), frames, rendered, store, delete. Of an Orthanc only search,
fetch, store and delete are looked at: the portal makes the rest of what it fetches.
"""

from http import HTTPStatus
from typing import Any

from apps.integrations.dicomweb.exchange import Exchange
from apps.integrations.dicomweb.related import DICOM, nothing
from apps.integrations.dicomweb.searching import INSTANCE, JSON, SERIES, STUDY, Found, search, uid_in

_ONE = {"limit": "1"}
_ROWS = "00280010"
# Of an object, by the end of its address: what is asked for, and what it is called.
_OF_OBJECT = (
    ("", f'multipart/related; type="{DICOM}"; transfer-syntax=*', "fetch"),
    ("/metadata", JSON, "metadata"),
)
_OF_IMAGE = (
    ("/frames/1", 'multipart/related; type="application/octet-stream"; transfer-syntax=*', "frames"),
    ("/rendered", "image/jpeg", "rendered"),
)
_LACKING = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_NOBODYS = "-".join(["00000000"] * 5)
_NOT_ALLOWED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def probed(exchange: Exchange) -> dict[str, bool]:
    """What is unknown is not in it. Raises ServerFailed when it cannot even be searched."""
    studies = search(exchange, "/studies", _ONE)
    said = {"search": True, **_paging(exchange, studies), **_of_service(exchange, studies)}
    address, image = _first_object(exchange, studies)
    wanted = (*_OF_OBJECT, *(_OF_IMAGE if image else ())) if address else ()
    for end, accept, name in wanted:
        status = _status(exchange, "GET", address + end, {"Accept": accept})
        if status < HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.NOT_IMPLEMENTED:
            said[name] = status == HTTPStatus.OK
    return said


def of_orthanc(exchange: Exchange, orthanc_id: str = "") -> dict[str, bool]:
    """By its own interface, that of an Orthanc that has just answered; of a named object, if it has one.

    To delete what cannot be there it answers 404 to who may delete, and to an empty body 400 to who may store. What
    is unknown is not in it. Raises ServerFailed.
    """
    headers = {"Content-Type": DICOM}
    answers = {
        "store": _status(exchange, "POST", "/instances", headers, data=b""),
        "delete": _status(exchange, "DELETE", f"/instances/{_NOBODYS}", {}),
    }
    said = {"search": True}
    for name, status in answers.items():
        if status < HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.NOT_IMPLEMENTED:
            said[name] = status not in (*_NOT_ALLOWED, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
    if orthanc_id:
        status = _status(exchange, "GET", f"/instances/{orthanc_id}/file", {})
        # It may have been deleted since.
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_FOUND:
            said["fetch"] = status == HTTPStatus.OK
    return said


def _paging(exchange: Exchange, studies: list[Found]) -> dict[str, bool]:
    """Whether the second page differs from the first; an empty archive does not tell."""
    if not studies:
        return {}
    second = search(exchange, "/studies", {**_ONE, "offset": "1"})
    return {"paging": len(studies) == 1 and (not second or uid_in(second[0], STUDY) != uid_in(studies[0], STUDY))}


def _of_service(exchange: Exchange, studies: list[Found]) -> dict[str, bool]:
    said = {}
    store = _may_store(exchange)
    if store is not None:
        said["store"] = store
    if studies and (study_instance_uid := uid_in(studies[0], STUDY)):
        allowed = _allowed(exchange, f"/studies/{study_instance_uid}")
        if allowed:
            said["delete"] = "DELETE" in allowed
    return said


def _may_store(exchange: Exchange) -> bool | None:
    """By what it answers to a store request without any object."""
    content_type, body = nothing()
    headers = {"Content-Type": content_type, "Accept": JSON}
    status = _status(exchange, "POST", "/studies", headers, data=body)
    if status in (*_LACKING, *_NOT_ALLOWED):
        return False
    return None if status >= HTTPStatus.INTERNAL_SERVER_ERROR else True


def _first_object(exchange: Exchange, studies: list[Found]) -> tuple[str, bool]:
    """The address of some object, and whether it is an image; "" when there is none."""
    address, found = "", studies
    for place, tag, children in (("studies", STUDY, "series"), ("series", SERIES, "instances")):
        if not found or not (uid := uid_in(found[0], tag)):
            return "", False
        address += f"/{place}/{uid}"
        query = {**_ONE, "includefield": _ROWS}
        found = search(exchange, f"{address}/{children}", query, may_be_absent=True)
    uid = uid_in(found[0], INSTANCE) if found else ""
    return (f"{address}/instances/{uid}", _ROWS in found[0]) if uid else ("", False)


def _status(exchange: Exchange, method: str, path: str, headers: dict[str, str], **arguments: Any) -> int:
    with exchange.answer(method, path, headers=headers, **arguments) as response:
        return response.status_code


def _allowed(exchange: Exchange, path: str) -> str:
    with exchange.answer("OPTIONS", path) as response:
        return response.headers.get("Allow", "").upper() if response.ok else ""
