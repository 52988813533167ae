"""An Orthanc in memory, behind real HTTP, so that its client and what goes wrong on the wire are tested too."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pydicom
from pydicom.errors import InvalidDicomError

from tests.integrations.twin import Twin, TwinHandler, served

DICOM = "application/dicom"
USERNAME, PASSWORD = "portal", "a password of this test"


@dataclass
class TwinOrthanc(Twin):
    """What it holds, and how it fails: `fault` is also other, endless, drip, long, full; `refuses` has the status by
    which it answers to some methods."""

    objects: dict[str, bytes] = field(default_factory=dict)
    origins: dict[str, dict[str, str]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    seq: int = 0
    password: str = PASSWORD
    refuses: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lets_in(self, authorization: str) -> bool:
        return authorization == "Basic " + base64.b64encode(f"{USERNAME}:{self.password}".encode()).decode()

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
    with served(twin, _Handler):
        yield twin


class _Handler(TwinHandler):
    twin: TwinOrthanc

    def do_GET(self) -> None:
        if self.fails():
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
        if self.fails():
            return
        if self.path == "/instances" and self._refuses():
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
        if self.fails() or self._refuses():
            return
        name = self.path.rpartition("/")[2]
        if name not in self.twin.objects:
            self._send({"HttpStatus": 404}, 404)
            return
        self.twin.remove(name)
        self._send({"RemainingAncestor": None})

    def _refuses(self) -> bool:
        status = self.twin.refuses.get(self.command)
        if status:
            self.send(b"", status)
        return status is not None

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
            self.drip(b"x" * 65536, DICOM, pause_seconds=0)
            return
        elif fault == "drip":
            self.drip(b"x", DICOM, len(body), pause_seconds=0.1)
            return
        self.send(body, 200, DICOM)

    def _send(self, answer: object, status: int = 200) -> None:
        self.send(json.dumps(answer).encode(), status, "application/json")
