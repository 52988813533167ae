"""A DICOMweb server in memory (PS3.18 10), behind real HTTP: not ours, not Orthanc's, lacking what it is told to."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pydicom
from pydicom.errors import InvalidDicomError

from tests.integrations.twin import Twin, TwinHandler, served

USERNAME, PASSWORD = "portal", "another password of this test"
LEVELS = ("studies", "series", "instances")
TAGS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}
Key = tuple[str, str, str]


@dataclass
class TwinDicomWeb(Twin):
    """`lacks` names some of paging, counts, store, delete, options, frames, rendered; `rewrite` makes of an object that
    is stored what the server then has. `fault` is also drip, short."""

    objects: dict[Key, bytes] = field(default_factory=dict)
    lacks: set[str] = field(default_factory=set)
    most_at_once: int = 1000
    rewrite: Callable[[bytes], bytes] | None = None
    authorization: str = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def lets_in(self, authorization: str) -> bool:
        return authorization == self.authorization

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
    with served(twin, _Handler):
        yield twin


class _Handler(TwinHandler):
    twin: TwinDicomWeb

    def do_GET(self) -> None:
        if self.fails():
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
        if self.fails():
            return
        if "store" in self.twin.lacks:
            self.send(b"", 405)
            return
        boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
        parts = [part for part in body.split(b"--" + boundary)[1:-1] if part]
        try:
            for part in parts:
                self.twin.put(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
        except InvalidDicomError:
            parts = []
        self.send(b"{}", 200 if parts else 400, "application/dicom+json")

    def do_DELETE(self) -> None:
        if self.fails():
            return
        if "delete" in self.twin.lacks:
            self.send(b"", 405)
            return
        key = key_of(self.path.removeprefix("/dicom-web/"))
        self.send(b"", 204 if self.twin.objects.pop(key, None) else 404)

    def do_OPTIONS(self) -> None:
        if self.fails():
            return
        allowed = "GET, HEAD, OPTIONS" if "delete" in self.twin.lacks else "GET, HEAD, OPTIONS, DELETE"
        self.send(b"", 404 if "options" in self.twin.lacks else 200, Allow=allowed)

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
            self.send(json.dumps(rows).encode(), 200, "application/dicom+json")
        else:
            self.send(b"", 204)

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
            self.send(b"", 404)
        elif rest:
            self.send(b"[]", 200, "application/dicom+json")
        else:
            self._send_object(body)

    def _send_object(self, body: bytes) -> None:
        content = b"--xyz\r\nContent-Type: application/dicom\r\n\r\n" + body + b"\r\n--xyz--\r\n"
        media_type = 'multipart/related; type="application/dicom"; boundary=xyz'
        if self.twin.fault == "drip":
            self.drip(b"x", media_type, pause_seconds=0.05)
        elif self.twin.fault == "short":
            self.send(content[: len(content) // 2], 200, media_type)
        else:
            self.send(content, 200, media_type)
