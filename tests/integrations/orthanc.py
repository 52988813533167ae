"""An Orthanc in memory, behind real HTTP, so that its client and what goes wrong on the wire are tested too."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pydicom
from pydicom.errors import InvalidDicomError

USERNAME, PASSWORD = "portal", "a password of this test"


@dataclass
class TwinOrthanc:
    """What it holds, how it fails: `fault` is hang, error, absent, html, other, endless, drip, long, full, or none."""

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    origins: dict[str, dict[str, str]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    seq: int = 0
    fault: str = ""
    password: str = PASSWORD
    requests: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(self, body: bytes, **origin: str) -> dict[str, Any]:
        """As if it had come by DIMSE, or, with `Origin`, another way. Raises InvalidDicomError."""
        name = name_of(body)
        if name in self.objects:
            return {"ID": name, "Status": "AlreadyStored"}
        self.objects[name] = body
        self.origins[name] = {"Origin": "DicomProtocol", "RemoteAET": "SCANNER", "RemoteIP": "10.1.2.3", **origin}
        for kind in ("NewInstance", "NewSeries", "NewStudy", "NewPatient"):
            self._log(kind, name)
        return {"ID": name, "Status": "Success"}

    def named(self, sop_instance_uid: str) -> list[str]:
        return [name for name, body in self.objects.items() if _read(body).SOPInstanceUID == sop_instance_uid]

    def remove(self, name: str) -> None:
        del self.objects[name]
        self.changes = [change for change in self.changes if change["ID"] != name]

    def reset(self) -> None:
        """Another Orthanc at the same place, empty."""
        self.objects, self.origins, self.changes, self.seq = {}, {}, [], 0

    def _log(self, kind: str, name: str) -> None:
        self.seq += 1
        date = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self.changes.append({"ChangeType": kind, "Date": date, "ID": name, "Path": "", "Seq": self.seq})


def _read(body: bytes) -> pydicom.FileDataset:
    return pydicom.dcmread(io.BytesIO(body), stop_before_pixels=True)


def name_of(body: bytes) -> str:
    """https://orthanc.uclouvain.be/book/faq/orthanc-ids.html"""
    found = _read(body)
    uids = (found.StudyInstanceUID, found.SeriesInstanceUID, found.SOPInstanceUID)
    digest = hashlib.sha1(
        "|".join(map(str, (found.get("PatientID", ""), *uids))).encode(), usedforsecurity=False
    ).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


@contextmanager
def running_twin() -> Iterator[TwinOrthanc]:
    twin = TwinOrthanc()
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
    twin: TwinOrthanc
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
        query = {name: values[0] for name, values in parse_qs(place.query, keep_blank_values=True).items()}
        parts = place.path.strip("/").split("/")
        if parts == ["changes"]:
            self._send(self._changes(query))
        elif parts == ["instances"]:
            since, limit = int(query["since"]), int(query["limit"])
            self._send(list(self.twin.objects)[since : since + limit])
        elif parts == ["statistics"]:
            self._send({"CountInstances": len(self.twin.objects)})
        elif parts[0] == "instances" and parts[1] in self.twin.objects:
            self._send_instance(parts[1], parts[2:])
        else:
            self._send({"HttpStatus": 404}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._fails():
            return
        if self.path == "/tools/lookup":
            self._send([{"ID": name, "Type": "Instance"} for name in self.twin.named(body.decode())])
            return
        if self.twin.fault == "full":
            self._send({"HttpStatus": 507}, 507)
            return
        try:
            self._send(self.twin.put(body, Origin="RestApi", RemoteAET="", HttpUsername=USERNAME))
        except (InvalidDicomError, EOFError):
            self._send({"HttpStatus": 400}, 400)

    def do_DELETE(self) -> None:
        if self._fails():
            return
        name = self.path.rpartition("/")[2]
        if name not in self.twin.objects:
            self._send({"HttpStatus": 404}, 404)
            return
        self.twin.remove(name)
        self._send({"RemainingAncestor": None})

    def _changes(self, query: dict[str, str]) -> dict[str, Any]:
        twin = self.twin
        if "since" not in query:
            return {"Changes": twin.changes[-1:], "Done": True, "Last": twin.seq}
        later = [change for change in twin.changes if change["Seq"] > int(query["since"])]
        page = later[: int(query["limit"])]
        is_done = len(page) == len(later)
        return {"Changes": page, "Done": is_done, "Last": twin.seq if is_done else page[-1]["Seq"]}

    def _send_instance(self, name: str, rest: list[str]) -> None:
        if rest == ["file"]:
            self._send_file(self.twin.objects[name])
        elif rest == ["metadata"]:
            self._send(self.twin.origins[name])
        else:
            self._send({"ID": name})

    def _send_file(self, body: bytes) -> None:
        fault = self.twin.fault
        if fault == "other":
            body = body[:-2] + bytes([body[-2] ^ 1, body[-1]])
        elif fault == "long":
            body += b"and more"
        elif fault == "endless":
            self._drip(b"x" * 65536, None, pause_seconds=0)
            return
        elif fault == "drip":
            self._drip(b"x", len(body), pause_seconds=0.1)
            return
        self._send_bytes(body, 200, "application/dicom")

    def _drip(self, chunk: bytes, length: int | None, *, pause_seconds: float) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        while not self.twin.released.wait(pause_seconds):
            self.wfile.write(chunk)

    def _fails(self) -> bool:
        self.twin.requests.append(f"{self.command} {self.path}")
        expected = "Basic " + base64.b64encode(f"{USERNAME}:{self.twin.password}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            self._send({}, 401)
        elif self.twin.fault == "hang":
            self.close_connection = True
            self.twin.released.wait(60)
        elif self.twin.fault == "error":
            self._send({}, 500)
        elif self.twin.fault == "absent":
            self._send({}, 404)
        elif self.twin.fault == "html":
            self._send_bytes(b"<html>Welcome</html>", 200, "text/html")
        else:
            return False
        return True

    def _send(self, answer: object, status: int = 200) -> None:
        self._send_bytes(json.dumps(answer).encode(), status, "application/json")

    def _send_bytes(self, body: bytes, status: int, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
