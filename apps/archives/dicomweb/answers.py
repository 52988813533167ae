"""Answers of the DICOMweb addresses: errors are JSON with a sentence for programs, and a page for people."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from http import HTTPStatus

import structlog
from django.core.exceptions import PermissionDenied, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers

from apps.accounts.middleware import Scope, accepts_token
from apps.archives.dicomweb.multipart import MultipartInvalid, TooManyParts, part_type
from apps.archives.dicomweb.negotiation import DICOM_JSON, JSON, NotAcceptable, Offer, choose
from apps.archives.dicomweb.query import QueryInvalid
from apps.archives.port import ArchiveUnreachable, Content, NotInObject, ObjectUnavailable
from apps.archives.static.pool import PoolBusy
from apps.archives.static.refusals import FileRefused
from apps.core import disk

View = Callable[..., HttpResponseBase]

log = structlog.get_logger(__name__)

DISK_IS_FULL = "The archive's disk is full; tell the administrators."
_DAY_SECONDS = 24 * 3600
_CHUNK_BYTES = 128 * 1024


class RequestRefused(Exception):
    """The request cannot be served; status and sentence for its sender."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


# What a view raises, and the status of the answer.
_PROBLEMS: dict[type[Exception], HTTPStatus] = {
    Http404: HTTPStatus.NOT_FOUND,
    NotInObject: HTTPStatus.NOT_FOUND,
    PermissionDenied: HTTPStatus.FORBIDDEN,
    QueryInvalid: HTTPStatus.BAD_REQUEST,
    MultipartInvalid: HTTPStatus.BAD_REQUEST,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    FileRefused: HTTPStatus.NOT_ACCEPTABLE,
    TooManyParts: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    PoolBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    ArchiveUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    ObjectUnavailable: HTTPStatus.GONE,
}


def dicomweb(*methods: str) -> Callable[[View], View]:
    """A door for programs, the portal's own scripts and links to files: session or API token."""

    def decorate(view: View) -> View:
        @wraps(view)
        def door(request: HttpRequest, *arguments: object, **named: object) -> HttpResponseBase:
            if request.method not in methods:
                response = problem(request, HTTPStatus.METHOD_NOT_ALLOWED, f"Only {' and '.join(methods)} here.")
                response["Allow"] = ", ".join(methods)
                return response
            try:
                return view(request, *arguments, **named)
            except RequestRefused as error:
                return problem(request, error.status, str(error))
            except TooManyFieldsSent:
                return problem(request, HTTPStatus.BAD_REQUEST, "The address has too many query parameters.")
            except tuple(_PROBLEMS) as error:
                return _problem_of(request, error)
            except OSError as error:
                if not disk.is_full(error):
                    raise
                log.exception("disk is full")
                return problem(request, HTTPStatus.INSUFFICIENT_STORAGE, DISK_IS_FULL)

        return accepts_token(read=Scope.IMAGES_READ, write=Scope.IMAGES_STORE, delete=Scope.IMAGES_DELETE)(door)

    return decorate


def problem(request: HttpRequest, status: HTTPStatus, sentence: str) -> HttpResponse:
    # Programs take anything, too; only a browser that was sent here by a link names HTML.
    if "text/html" not in request.headers.get("Accept", ""):
        return JsonResponse({"detail": sentence}, status=status)
    context = {"status": status, "sentence": sentence, "request_id": getattr(request, "request_id", "")}
    return render(request, "archives/problem.html", context, status=status)


def _problem_of(request: HttpRequest, error: Exception) -> HttpResponse:
    status = next(status for kind, status in _PROBLEMS.items() if isinstance(error, kind))
    is_missing = status == HTTPStatus.NOT_FOUND
    response = problem(request, status, "There is nothing at this address." if is_missing else str(error))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "60"
    return response


def json_type(request: HttpRequest) -> str:
    """Raises NotAcceptable when the client does not take DICOM JSON."""
    return choose(request, [Offer(DICOM_JSON), Offer(JSON)]).media_type


def json_array(objects: Iterable[str], media_type: str) -> HttpResponse:
    return HttpResponse(f"[{','.join(objects)}]", content_type=media_type)


def json_stream(objects: Iterable[bytes], media_type: str) -> StreamingHttpResponse:
    """The objects as one array, handed on as they come."""
    return StreamingHttpResponse(_gathered(array(objects)), content_type=media_type)


def single(content: Content) -> HttpResponseBase:
    """One part alone, not wrapped in multipart."""
    response = StreamingHttpResponse(content.chunks, content_type=part_type(content))
    if content.size_bytes is not None:
        response["Content-Length"] = str(content.size_bytes)
    return response


def not_modified(request: HttpRequest, etag: str) -> HttpResponseBase | None:
    """304 when the client has this version already."""
    response = get_conditional_response(request, etag=f'"{etag}"')
    return response if response is not None and response.status_code == HTTPStatus.NOT_MODIFIED else None


def digest(*parts: object) -> str:
    """An ETag for an answer that follows from `parts` alone."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def lasting(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    """Marks what never changes: objects are immutable, so one person's browser may keep what it was given."""
    response["Cache-Control"] = f"private, max-age={_DAY_SECONDS}, immutable"
    return _versioned(response, etag)


def revalidated(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    """Marks what may change: to be asked for again each time, and to be answered by 304 when it is the same."""
    response["Cache-Control"] = "private, no-cache"
    return _versioned(response, etag)


def _versioned(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = f'"{etag}"'
    patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
    return response


def array(objects: Iterable[bytes]) -> Iterator[bytes]:
    """JSON objects as one array."""
    separator = b"["
    for one in objects:
        yield separator + one
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Joins small pieces, which would each cost a system call, into chunks of 128 KiB or a little more."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
