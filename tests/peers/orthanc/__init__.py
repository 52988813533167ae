"""Debian's Orthanc with its DICOMweb plugin, as a process on loopback."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from apps.integrations.dicomweb.orthanc import Orthanc as Client
from apps.integrations.kubernetes.route import Route
from tests.peers.starting import LOOPBACK, require, running
from tests.portal import free_port

HERE = Path(__file__).parent
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Orthanc:
    port: int
    dicom_port: int
    ae_title: str
    user: str
    password: str

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def dicomweb_url(self) -> str:
        return f"{self.url}/dicom-web"

    @property
    def credentials(self) -> tuple[str, str]:
        return self.user, self.password

    def remove(self, name: str) -> None:
        """The object at this address below the DICOMweb service, by Orthanc's own interface."""
        own = Client(Route(self.url), *self.credentials)
        for orthanc_id in own.instances_of(name.rpartition("/")[2]):
            own.delete(orthanc_id)

    def __str__(self) -> str:
        dimse = f"{self.ae_title}@{LOOPBACK}:{self.dicom_port}"
        return f"{self.url} and {self.dicomweb_url} as {self.user}, password {self.password}; DIMSE {dimse}"


@contextmanager
def running_orthanc(folder: Path, **more: Any) -> Iterator[Orthanc]:
    """An empty archive that wants a password over HTTP, and answers C-ECHO and C-STORE of any calling AE title.

    `more` is what else stands in its configuration.
    """
    require(["Orthanc"], HERE / "packages.txt")
    address = Orthanc(free_port(), free_port(), "ORTHANC", "maia", secrets.token_urlsafe(16))
    path = folder / "orthanc.json"
    path.write_text(json.dumps({**_configuration(folder, address), **more}))
    with running(["Orthanc", path], log=folder / "orthanc.log", answers=lambda: _answers(address)):
        yield address


def _configuration(folder: Path, address: Orthanc) -> dict[str, Any]:
    """https://orthanc.uclouvain.be/book/users/configuration.html"""
    return {
        "Name": "maia",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "HttpBindAddress": LOOPBACK,
        "HttpPort": address.port,
        "HttpCompressionEnabled": False,  # as figures are compared
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {address.user: address.password},
        "DicomAet": address.ae_title,
        "DicomPort": address.dicom_port,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _answers(address: Orthanc) -> bool:
    try:
        return requests.get(f"{address.url}/system", auth=address.credentials, timeout=2).ok
    except requests.RequestException:
        return False
