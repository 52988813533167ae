"""A DICOMweb server in memory (PS3.18 10), behind real HTTP: not ours, not Orthanc's, lacking what it is told to."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pydicom
from pydicom.errors import InvalidDicomError

USERNAME, PASSWORD = "portal", "another password of this test"
LEVELS = ("studies", "series", "instances")
TAGS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}
Key = tuple[str, str, str]


@dataclass
class TwinDicomWeb:
    """`lacks` names some of paging, counts, store, delete, options, frames, rendered; `rewrite` makes of an object that
    is stored what the server then has. `fault` is hang, error, absent, html, drip, short, or none."""

    port: int = 0
    objects: dict[Key, bytes] = field(default_factory=dict)
    lacks: set[str] = field(default_factory=set)
    fault: str = ""
    most_at_once: int = 1000
    rewrite: Callable[[bytes], bytes] | None = None
    authorization: str = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    requests: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def put(self, body: bytes) -> str:
        """Its address below the service."""
        found = pydicom.dcmread(io.BytesIO(body), stop_before_pixels=True)
        key = (str(found.StudyInstanceUID), str(found.SeriesInstanceUID), str(found.SOPInstanceUID))
        self.objects[key] = self.rewrite(body) if self.rewrite else body
        return address_of(key)

    def remove(self, name: str) -> None:
        """What is gone already is as wished."""
        self.objects.pop(key_of(name), None)


def address_of(key: Key) -> str:
    return "/".join(part for pair in zip(LEVELS, key, strict=True) for part in pair)


def key_of(name: str) -> Key:
    _, study, _, series, _, instance = name.split("/")
    return study, series, instance


@contextmanager
def running_dicomweb() -> Iterator[TwinDicomWeb]:
    twin = TwinDicomWeb()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"twin": twin}))
    server.daemon_threads = True
    twin.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield twin
    finally:
        twin.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    twin: TwinDicomWeb
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""

    def do_GET(self) -> None:
        if self._fails():
            return
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        parts = place.path.removeprefix("/dicom-web/").split("/")
        if parts[-1] in LEVELS:
            self._search(parts, query)
        else:
            self._retrieve(parts)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._fails():
            return
        if "store" in self.twin.lacks:
            self._send(b"", 405)
            return
        boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
        parts = [part for part in body.split(b"--" + boundary)[1:-1] if part]
        try:
            for part in parts:
                self.twin.put(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
        except InvalidDicomError:
            parts = []
        self._send(b"{}", 200 if parts else 400, "application/dicom+json")

    def do_DELETE(self) -> None:
        if self._fails():
            return
        if "delete" in self.twin.lacks:
            self._send(b"", 405)
            return
        key = key_of(self.path.removeprefix("/dicom-web/"))
        self._send(b"", 204 if self.twin.objects.pop(key, None) else 404)

    def do_OPTIONS(self) -> None:
        if self._fails():
            return
        allowed = "GET, HEAD, OPTIONS" if "delete" in self.twin.lacks else "GET, HEAD, OPTIONS, DELETE"
        self._send(b"", 404 if "options" in self.twin.lacks else 200, Allow=allowed)

    def _search(self, parts: list[str], query: dict[str, str]) -> None:
        level = LEVELS.index(parts[-1])
        above = {LEVELS.index(parts[i]): parts[i + 1] for i in range(0, len(parts) - 1, 2)}
        wanted = {
            0: query.get("StudyInstanceUID"),
            2: query.get("SOPInstanceUID"),
            **above,
        }
        found: dict[tuple[str, ...], list[bytes]] = {}
        for key, body in self.twin.objects.items():
            if all(uid in (None, key[at]) for at, uid in wanted.items()):
                found.setdefault(key[: level + 1], []).append(body)
        rows = [self._row(key, bodies) for key, bodies in sorted(found.items())]
        if "paging" not in self.twin.lacks:
            start = int(query.get("offset", 0))
            rows = rows[start : start + int(query.get("limit", 1000))]
        rows = rows[: self.twin.most_at_once]
        if rows:
            self._send(json.dumps(rows).encode(), 200, "application/dicom+json")
        else:
            self._send(b"", 204)

    def _row(self, key: tuple[str, ...], bodies: list[bytes]) -> dict[str, object]:
        row: dict[str, object] = {
            TAGS[level]: {"vr": "UI", "Value": [uid]} for level, uid in zip(LEVELS, key, strict=False)
        }
        if len(key) == 1 and "counts" not in self.twin.lacks:
            row["00201208"] = {"vr": "IS", "Value": [len(bodies)]}
        if len(key) == 3:
            row["00280010"] = {"vr": "US", "Value": [16]}
        return row

    def _retrieve(self, parts: list[str]) -> None:
        body = self.twin.objects.get(key_of("/".join(parts[:6])))
        rest = "/".join(parts[6:])
        if body is None or rest.partition("/")[0] in self.twin.lacks:
            self._send(b"", 404)
        elif rest:
            self._send(b"[]", 200, "application/dicom+json")
        else:
            self._send_object(body)

    def _send_object(self, body: bytes) -> None:
        content = b"--xyz\r\nContent-Type: application/dicom\r\n\r\n" + body + b"\r\n--xyz--\r\n"
        media_type = 'multipart/related; type="application/dicom"; boundary=xyz'
        if self.twin.fault == "drip":
            self._drip(media_type)
        elif self.twin.fault == "short":
            self._send(content[: len(content) // 2], 200, media_type)
        else:
            self._send(content, 200, media_type)

    def _drip(self, media_type: str) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.end_headers()
        while not self.twin.released.wait(0.05):
            self.wfile.write(b"x")

    def _fails(self) -> bool:
        self.twin.requests.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization", "") != self.twin.authorization:
            self._send(b"", 401)
        elif self.twin.fault == "hang":
            self.close_connection = True
            self.twin.released.wait(60)
        elif self.twin.fault == "error":
            self._send(b"", 500)
        elif self.twin.fault == "absent":
            self._send(b"", 404)
        elif self.twin.fault == "html":
            self._send(b"<html>Welcome</html>", 200, "text/html")
        else:
            return False
        return True

    def _send(self, body: bytes, status: int, media_type: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
