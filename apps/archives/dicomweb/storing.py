"""Reading a store request (STOW-RS, PS3.18 10.5) and answering it (PS3.18 I)."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from apps.archives.dicomweb.answers import RequestRefused
from apps.archives.dicomweb.negotiation import DICOM, MULTIPART, content_type
from apps.archives.results import StoredResult
from apps.archives.rows import compact
from apps.archives.static.values import JsonDataSet
from apps.core.units import GIB

_CHUNK_BYTES = 1024 * 1024
_RETRIEVE_URL, _SOP_CLASS, _SOP_INSTANCE = "00081190", "00081150", "00081155"
_FAILED, _OTHER_FAILURES, _STORED, _REASON = "00081198", "0008119A", "00081199", "00081197"
# The standard has no place for a sentence; Text Value (0040,A160) takes one of any length.
_SENTENCE = "0040A160"


def boundary_of(request: HttpRequest) -> str:
    """Raises RequestRefused unless the body is multipart/related of Part 10 files and not too large."""
    media_type, parameters = content_type(request)
    if media_type != MULTIPART or parameters.get("type", DICOM).lower() != DICOM:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f'Send the objects as {MULTIPART}; type="{DICOM}"; boundary=….'
        )
    stated_length = request.META.get("CONTENT_LENGTH") or "0"
    if stated_length.isdecimal() and int(stated_length) > settings.UPLOAD_MAX_BYTES:
        raise _too_large()
    return parameters.get("boundary", "")


def body_of(request: HttpRequest) -> Iterator[bytes]:
    """The body in chunks, also one of unknown length. Raises RequestRefused when it grows too large."""
    # Django reads no body without Content-Length; the web server ends a chunked one by itself.
    is_ended_by_server = request.META.get("wsgi.input_terminated", False)
    if not is_ended_by_server and not request.META.get("CONTENT_LENGTH"):
        raise RequestRefused(HTTPStatus.LENGTH_REQUIRED, "Send the request with Content-Length.")
    stream = request.META["wsgi.input"] if is_ended_by_server else request
    left = settings.UPLOAD_MAX_BYTES
    while chunk := stream.read(_CHUNK_BYTES):
        left -= len(chunk)
        if left < 0:
            raise _too_large()
        yield chunk


def status_of(results: Sequence[StoredResult]) -> HTTPStatus:
    """200 when all are stored, 202 when some are, 409 when none is (PS3.18 table 10.5.3-1)."""
    refused = sum(result.is_refused for result in results)
    if not refused:
        return HTTPStatus.OK
    return HTTPStatus.ACCEPTED if refused < len(results) else HTTPStatus.CONFLICT


def response_json(results: Sequence[StoredResult], root: str) -> str:
    """The Store Instances Response Module; each failure has its reason, and a sentence in Text Value."""
    stored = [_stored(result, root) for result in results if not result.is_refused]
    failed = [_failed(result) for result in results if result.is_refused and result.identity]
    unread = [_reason(result) for result in results if result.is_refused and not result.identity]
    sequences = {_FAILED: failed, _STORED: stored, _OTHER_FAILURES: unread}
    attributes: JsonDataSet = {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}
    studies = {result.identity.study_instance_uid for result in results if result.identity and not result.is_refused}
    if len(studies) == 1:
        attributes[_RETRIEVE_URL] = {"vr": "UR", "Value": [f"{root}/studies/{studies.pop()}"]}
    return compact(dict(sorted(attributes.items())))


def _stored(result: StoredResult, root: str) -> JsonDataSet:
    identity = result.identity
    assert identity is not None  # noqa: S101 - it was read
    return {**_referenced(result), _RETRIEVE_URL: {"vr": "UR", "Value": [f"{root}/{identity.address}"]}}


def _failed(result: StoredResult) -> JsonDataSet:
    return {**_referenced(result), **_reason(result)}


def _referenced(result: StoredResult) -> dict[str, Any]:
    assert result.identity is not None  # noqa: S101 - it was read
    return {
        _SOP_CLASS: {"vr": "UI", "Value": [result.identity.sop_class_uid]},
        _SOP_INSTANCE: {"vr": "UI", "Value": [result.identity.sop_instance_uid]},
    }


def _reason(result: StoredResult) -> JsonDataSet:
    assert result.failure_reason is not None  # noqa: S101 - it was refused
    return {
        _REASON: {"vr": "US", "Value": [int(result.failure_reason)]},
        _SENTENCE: {"vr": "UT", "Value": [result.sentence]},
    }


def _too_large() -> RequestRefused:
    limit = settings.UPLOAD_MAX_BYTES // GIB
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The request is larger than {limit} GiB.")
