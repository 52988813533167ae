"""Debian's Orthanc on loopback with a folder of its own, the peer of the DICOMweb figures."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.portal import free_port
from tests.waiting import wait_until

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "bench", "bench"


def is_installed() -> bool:
    return shutil.which("Orthanc") is not None and PLUGIN.exists()


@contextmanager
def running_orthanc(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the DICOMweb address and the headers to send."""
    folder.mkdir(parents=True)
    port = free_port()
    configuration = {
        "Name": "bench",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "HttpPort": port,
        "HttpBindAddress": "127.0.0.1",
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "HttpCompressionEnabled": False,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    headers = {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(["Orthanc", str(path)], stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: _answers(port, headers), 30)
        yield f"http://127.0.0.1:{port}/dicom-web", headers
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int, headers: dict[str, str]) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/system", headers=headers, timeout=2).ok
    except requests.ConnectionError:
        return False
