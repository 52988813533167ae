"""One HTTPS exchange after the other with an API server: bounded in time and size, following nothing."""

from __future__ import annotations

import select
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from apps.integrations.kubernetes.port import ClusterSilent, ClusterUnreachable, Credentials

CONNECT_SECONDS = 5.0
EXCHANGE_SECONDS = 30.0
ANSWER_BYTES = 64 * 1024**2
LINE_BYTES = 4 * 1024**2


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class Connection:
    """Keeps one connection open between exchanges. Each call raises ClusterUnreachable."""

    def __init__(self, credentials: Credentials, *, connect_seconds: float, exchange_seconds: float) -> None:
        self._address = urlsplit(credentials.server)
        self._credentials = credentials
        self._connect_seconds = connect_seconds
        self._exchange_seconds = exchange_seconds
        self._context: ssl.SSLContext | None = None
        self._idle: list[HTTPSConnection] = []

    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        limit: int = ANSWER_BYTES,
    ) -> Answer:
        with _plain_words():
            connection = self._take() or self._open()
            answer, is_reusable = self._ask(
                connection, method, self._address.path.rstrip("/") + path, headers, body, limit
            )
            if is_reusable:
                self._idle.append(connection)
            else:
                connection.close()
            return answer

    def lines(
        self, path: str, *, headers: Mapping[str, str], seconds: float, limit: int = LINE_BYTES
    ) -> Iterator[Answer]:
        """A GET whose answer comes line by line, each given with the answer's status as soon as it is whole.

        Its beginning is awaited as long as any answer, all of it for `seconds` more. A refusal is one line.
        """
        with _plain_words():
            connection = self._open()
            try:
                with _cut_after(self._exchange_seconds, connection.sock):
                    connection.request("GET", self._address.path.rstrip("/") + path, headers=dict(headers))
                    response = connection.getresponse()
                    if response.status != HTTPStatus.OK:
                        yield Answer(response.status, response.read(limit))
                        return
                with _cut_after(seconds, connection.sock):
                    yield from _lines(response, limit)
            finally:
                connection.close()

    def _take(self) -> HTTPSConnection | None:
        """One whose other end was not closed meanwhile: whatever can be read from an idle one is its end."""
        while self._idle:
            connection = self._idle.pop()
            if connection.sock and not select.select([connection.sock], [], [], 0)[0]:
                return connection
            connection.close()
        return None

    def _open(self) -> HTTPSConnection:
        if self._address.scheme != "https" or not self._address.hostname:
            raise ClusterUnreachable("The cluster's address is not one that begins with https://.")
        self._context = self._context or trusting(self._credentials)
        connection = HTTPSConnection(
            self._address.hostname, self._address.port or 443, timeout=self._connect_seconds, context=self._context
        )
        connection.connect()
        return connection

    def _ask(
        self,
        connection: HTTPSConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        limit: int,
    ) -> tuple[Answer, bool]:
        try:
            with _cut_after(self._exchange_seconds, connection.sock):
                connection.request(method, path, body=body, headers=dict(headers))
                response = connection.getresponse()
                # One that says that it is too long is not read at all.
                announced = response.length or 0
                received = b"" if announced > limit else response.read(limit + 1)
        except BaseException:
            connection.close()
            raise
        if max(announced, len(received)) > limit:
            connection.close()
            raise ClusterUnreachable("The cluster's answer is larger than any that is expected.")
        return Answer(response.status, received), not response.will_close


def _lines(response: HTTPResponse, limit: int) -> Iterator[Answer]:
    rest = b""
    while piece := response.read1(limit):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield Answer(response.status, line)
        if len(rest) > limit:
            raise ClusterUnreachable("The cluster's answer is larger than any that is expected.")


@contextmanager
def _cut_after(seconds: float, connection: socket.socket) -> Iterator[None]:
    """A socket's own timeout starts anew with each byte; this one does not, so that no trickle holds a worker."""
    cut = threading.Event()

    def end() -> None:
        cut.set()
        # Of the plain socket: that of TLS is not safe to be called while another thread reads.
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    connection.settimeout(seconds)
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException) as error:
        if cut.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if cut.is_set():
        raise TimeoutError


@contextmanager
def _plain_words() -> Iterator[None]:
    """Neither the address nor the credentials get into the sentence."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise ClusterUnreachable("The server's certificate is not the cluster's: its CA did not sign it.") from error
    except ssl.SSLError as error:
        raise ClusterUnreachable("The server does not speak TLS as the cluster's should.") from error
    except TimeoutError as error:
        raise ClusterSilent("The cluster did not answer in time.") from error
    except ConnectionRefusedError as error:
        raise ClusterUnreachable("The cluster refused the connection.") from error
    except socket.gaierror as error:
        raise ClusterUnreachable("The name of the cluster's server is not known.") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ClusterUnreachable("The connection to the cluster broke.") from error


def trusting(credentials: Credentials) -> ssl.SSLContext:
    """Trusts the cluster's CA alone; the system's when none is given. Raises OSError, ValueError for what is no PEM."""
    context = ssl.create_default_context(cadata=credentials.ca_pem or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if credentials.certificate_pem:
        # OpenSSL reads them from files only.
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = Path(folder, "certificate"), Path(folder, "key")
            certificate.write_text(credentials.certificate_pem)
            key.write_text(credentials.key_pem)
            context.load_cert_chain(certificate, key, password=lambda: "")
    return context
