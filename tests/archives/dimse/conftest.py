from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification

from apps.accounts.models import User
from apps.archives.devices import Device, list_devices
from apps.archives.dimse.station import Station
from apps.archives.models import Archive
from apps.integrations.dimse.listener import Listener
from apps.integrations.dimse.port import Station as AnyStation

LOOPBACK, GIB = "127.0.0.1", 1024**3


@contextmanager
def listening(station: AnyStation, folder: Path, *, most_bytes: int = GIB) -> Iterator[Listener]:
    folder.mkdir()
    listener = Listener(station, (LOOPBACK, 0), folder=folder, most_bytes=most_bytes)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@contextmanager
def association(port: int, called: str = "CARDIACMR", calling: str = "SCANNER") -> Iterator[Association]:
    """As a device asks for it; rejected or not."""
    entity = AE(ae_title=calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
    entity.add_requested_context(Verification)
    entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    asked = entity.associate(LOOPBACK, port, ae_title=called)
    try:
        yield asked
    finally:
        if asked.is_established:
            asked.release()


def send(port: int, *objects: Path | Dataset, called: str = "CARDIACMR", calling: str = "SCANNER") -> list[Dataset]:
    """The responses; an association that breaks off gives empty ones."""
    with association(port, called, calling) as asked:
        assert asked.is_established
        return [asked.send_c_store(dcmread(one) if isinstance(one, Path) else one) for one in objects]


@pytest.fixture
def listed(archive: Archive, admin: User) -> Archive:
    """The archive of a project that lets SCANNER in, from this machine."""
    list_devices(archive.project, [Device("SCANNER", LOOPBACK)], by=admin.pk)
    return archive


@pytest.fixture
def port(listed: Archive, tmp_path: Path) -> Iterator[int]:
    with listening(Station(), tmp_path / "arriving") as listener:
        yield listener.port
