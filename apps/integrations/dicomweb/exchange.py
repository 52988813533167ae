"""One request and its answer, however the server at the other end behaves: in time, bounded, failing in few ways."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from apps.integrations.dicomweb.port import AccessRefused, AnswerInvalid, NoSuchObject, ServerFailed, ServerUnreachable
from apps.integrations.kubernetes.route import DOOR, Route, session_by
from apps.integrations.outbound import AddressRefused

CONNECT_SECONDS, SILENCE_SECONDS = 3.0, 10.0
ANSWER_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 512 * 1024
MOST_JSON_BYTES = 16 * 1024**2
_CHUNK_BYTES = 256 * 1024


class Exchange:
    """Requests below the address to which the route leads, signed in by user name and password, or by a token alone."""

    def __init__(self, route: Route, username: str, password: str) -> None:
        self._route = route
        self._credentials = username, password

    @contextmanager
    def answer(self, method: str, path: str, **arguments: Any) -> Iterator[requests.Response]:
        """Whatever its status; the body is read in the block. Raises ServerFailed."""
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
        except AddressRefused as refusal:
            raise ServerUnreachable(str(refusal)) from refusal
        except (requests.Timeout, ReadTimeoutError) as error:
            raise ServerUnreachable("It does not answer in time.") from error
        except (requests.RequestException, HTTPError) as error:
            raise ServerUnreachable("It takes no connection, or breaks it off.") from error


def checked(response: requests.Response) -> requests.Response:
    """Raises ServerFailed for any status but 200."""
    status = response.status_code
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise AccessRefused(f"It refuses the portal's user name and password ({status}).")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ServerUnreachable(f"It answers with an error ({status}).")
    if status != HTTPStatus.OK:
        raise AnswerInvalid(f"It answers otherwise than such a server does ({status}).")
    return response


def existing(response: requests.Response) -> requests.Response:
    """Raises NoSuchObject for 404 and 410, and ServerFailed for any other status but 200."""
    if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise NoSuchObject
    return checked(response)


def chunks(response: requests.Response, expected: int | None = None) -> Iterator[bytes]:
    """The body as it comes, so that one that drips ends in time too, and one in chunks where it said.

    Raises ServerUnreachable and AnswerInvalid.
    """
    started = time.monotonic()
    received = 0
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
        received += len(chunk)
        if expected is not None and received > expected:
            raise AnswerInvalid("Its answer is longer than it said.")
        if time.monotonic() - started > ANSWER_SECONDS + received / LEAST_BYTES_PER_SECOND:
            raise ServerUnreachable("It answers too slowly.")
        yield chunk
    if expected is not None and received < expected:
        raise ServerUnreachable("It ended an answer early.")


def length_of(response: requests.Response) -> int | None:
    """As the answer says; None when it does not."""
    stated = response.headers.get("Content-Length", "")
    return int(stated) if stated.isdecimal() else None


def json_of(response: requests.Response) -> Any:
    """Raises ServerUnreachable and AnswerInvalid."""
    body, expected = bytearray(), length_of(response)
    for chunk in chunks(response, expected):
        body += chunk
        if max(len(body), expected or 0) > MOST_JSON_BYTES:
            raise AnswerInvalid("Its answer is longer than any that is asked for.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AnswerInvalid("It answers with something else than such a server does.") from error


def _session(route: Route, credentials: tuple[str, str]) -> requests.Session:
    """For one request: Orthanc ends idle connections after a second, which a kept one shows only when it is used."""
    session = session_by(route, credentials)
    session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
    return session


def _turned_back(status: int) -> ServerFailed:
    """An answer of what stands before the server, which may know nothing of what that has."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AccessRefused(f"What passes requests on to it refuses the portal ({status}): check the cluster.")
    return ServerUnreachable(f"What passes requests on to it answers in its place ({status}).")
