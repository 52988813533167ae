"""An Orthanc that is none, or was taken over: what it sends is no more than it said."""

import io
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from apps.integrations.dicomweb.orthanc import Orthanc
from apps.integrations.dicomweb.port import ServerFailed
from apps.integrations.kubernetes.route import Route

pytestmark = pytest.mark.attacks
CHUNK, MOST_CHUNKS = 256 * 1024, 400
NAME = "0" * 8 + "-00000000" * 4


class Endless(BaseHTTPRequestHandler):
    """States a length, and then sends as many pieces as are taken."""

    protocol_version = "HTTP/1.1"
    sent = 0

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom")
        self.send_header("Content-Length", "1000")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        piece = b"%x\r\n" % CHUNK + bytes(CHUNK) + b"\r\n"
        try:
            for _ in range(MOST_CHUNKS):
                self.wfile.write(piece)
                type(self).sent += CHUNK
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def orthanc() -> Iterator[Orthanc]:
    Endless.sent = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Orthanc(Route(f"http://127.0.0.1:{server.server_port}"), "portal", "secret")
        server.shutdown()


@pytest.mark.parametrize(
    "ask",
    [
        lambda orthanc: orthanc.download(NAME, io.BytesIO(), most_bytes=2000),
        lambda orthanc: orthanc.count(),
        lambda orthanc: orthanc.changes(0),
    ],
    ids=["object", "statistics", "changes"],
)
def test_an_answer_ends_where_it_said_that_it_would(orthanc: Orthanc, ask: Callable[[Orthanc], object]) -> None:
    with pytest.raises(ServerFailed):
        ask(orthanc)
    assert Endless.sent < MOST_CHUNKS * CHUNK / 2
