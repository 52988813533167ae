"""The two sides of a comparison: DICOMweb services on loopback, and connections to them that cost next to nothing."""

import base64
import json
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.peers.orthanc import PLUGIN, Orthanc, running_orthanc
from tests.portal import ADMINISTRATOR, Portal, running_portal

_DICOM = "application/dicom"
_BOUNDARY = "bench-boundary"


@dataclass(frozen=True)
class Side:
    """A DICOMweb service and what opens it."""

    address: str
    authorization: str


class Client:
    """One connection that stays open. Asks for no compression, which on loopback only costs."""

    def __init__(self, side: Side) -> None:
        parts = urlsplit(side.address)
        self._root = parts.path
        self._authorization = side.authorization
        self._connection = HTTPConnection(parts.netloc, timeout=600)

    def get(self, path: str, accept: str) -> bytes:
        with self.open(path, accept) as answer:
            content: bytes = answer.read()
            return content

    def open(self, path: str, accept: str) -> Any:
        """The answer, whose body is not read yet."""
        return self._asked("GET", path, None, {"Accept": accept})

    def store(self, body: Any, length: int) -> None:
        headers = {
            "Accept": f"{_DICOM}+json",
            "Content-Type": f'multipart/related; type="{_DICOM}"; boundary={_BOUNDARY}',
            "Content-Length": str(length),
        }
        with self._asked("POST", "/studies", body, headers) as answer:
            said = json.loads(answer.read())
            assert not [said[failed] for failed in ("00081198", "0008119A") if said.get(failed, {}).get("Value")]

    def close(self) -> None:
        self._connection.close()

    def _asked(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        self._connection.request(
            method, self._root + path, body=body, headers={**headers, "Authorization": self._authorization}
        )
        answer = self._connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer


def head() -> bytes:
    """What stands before each part of a body to store."""
    return f"--{_BOUNDARY}\r\nContent-Type: {_DICOM}\r\n\r\n".encode()


def end() -> bytes:
    return f"--{_BOUNDARY}--\r\n".encode()


def multipart(paths: Sequence[Path]) -> bytes:
    return b"".join(head() + path.read_bytes() + b"\r\n" for path in paths) + end()


def seconds(side: Side, work: Sequence[Callable[[Client], object]], *, clients: int = 1) -> float:
    """Until all the work is done by so many clients at once, each with its own connection."""
    waiting = deque(work)
    start = threading.Barrier(clients + 1)
    failures: list[BaseException] = []

    def serve() -> None:
        with closing(Client(side)) as client:
            start.wait()
            try:
                while waiting:
                    waiting.popleft()(client)
            except IndexError:
                return  # another took the last
            except Exception as error:  # noqa: BLE001 - said by the thread that measures
                failures.append(error)

    threads = [threading.Thread(target=serve) for _ in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - started
    assert not failures, failures
    return taken


def side_of(portal: Portal) -> Side:
    return Side(f"{portal.url}/projects/sample/dicomweb", f"Bearer {portal.manage('api_token', ADMINISTRATOR)}")


def side_of_orthanc(orthanc: Orthanc) -> Side:
    key = base64.b64encode(":".join(orthanc.credentials).encode()).decode()
    return Side(orthanc.dicomweb_url, f"Basic {key}")


def portal_in(folder: Path) -> Any:
    """The portal with two web processes, for two cores; nothing else is to be done meanwhile."""
    return running_portal(folder / "var", WEB_PROCESSES="2", SWEEP_SECONDS="60")


@contextmanager
def orthanc_in(folder: Path) -> Iterator[Orthanc | None]:
    if not has_orthanc():
        print("bench: Orthanc is not installed (Debian packages orthanc, orthanc-dicomweb); figures are ours alone")
        yield None
        return
    (folder / "orthanc").mkdir()
    with running_orthanc(folder / "orthanc") as orthanc:
        yield orthanc


def has_orthanc() -> bool:
    return shutil.which("Orthanc") is not None and PLUGIN.exists()
