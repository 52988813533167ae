"""What servers in memory have alike: they are behind real HTTP, and fail as a test tells them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Twin(ABC):
    """`fault` is hang, error, absent, html, what the twin itself knows, or none."""

    port: int = 0
    fault: str = ""
    requests: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @abstractmethod
    def lets_in(self, authorization: str) -> bool:
        """Whether who sends this header may ask."""


class TwinHandler(BaseHTTPRequestHandler):
    twin: Twin
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""

    def fails(self) -> bool:
        """Notes the request; True when it is answered already, or never will be."""
        self.twin.requests.append(f"{self.command} {self.path}")
        if not self.twin.lets_in(self.headers.get("Authorization", "")):
            self.send(b"", 401)
        elif self.twin.fault == "hang":
            self.close_connection = True
            self.twin.released.wait(60)
        elif self.twin.fault == "error":
            self.send(b"", 500)
        elif self.twin.fault == "absent":
            self.send(b"", 404)
        elif self.twin.fault == "html":
            self.send(b"<html>Welcome</html>", 200, "text/html")
        else:
            return False
        return True

    def send(self, body: bytes, status: int, media_type: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, chunk: bytes, media_type: str, length: int | None = None, *, pause_seconds: float) -> None:
        """Sends the chunk again and again until the test is over, or the client goes."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        while not self.twin.released.wait(pause_seconds):
            self.wfile.write(chunk)


@contextmanager
def served(twin: Twin, handler: type[TwinHandler]) -> Iterator[None]:
    """On a port of loopback, which the twin then knows."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"twin": twin}))
    server.daemon_threads = True
    twin.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        twin.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
