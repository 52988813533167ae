"""The index follows a DICOMweb server that is not ours, and what that can do is known: the real Orthanc's plugin."""

from pathlib import Path

import pytest

from apps.archives import registering
from apps.archives.models import Instance, RemoteServer, Study
from apps.archives.services import refresh
from apps.archives.verification import verify
from apps.integrations.dicomweb import web
from tests.archives.sides import Web
from tests.dicom import ct_series
from tests.peers.orthanc.test_any_dicomweb_store import side

__all__ = ["side"]
pytestmark = pytest.mark.peers


def test_what_others_store_and_remove_is_followed(side: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PER_PAGE", 2)
    written = [ct_series(tmp_path / str(number), slices=5, patient_id=f"P{number}") for number in range(3)]
    for path in [path for series in written for path in series.paths]:
        side.api.store(path)
    assert refresh(side.archive)
    assert (Study.objects.count(), Instance.objects.count()) == (3, 15)
    assert list(verify(side.archive)) == []
    names = side.names()
    for name in [names[0], *(name for name in names if written[1].study_instance_uid in name)]:
        side.remove(name)
    assert refresh(side.archive)
    assert Instance.objects.count() == side.count()


def test_what_it_can_do_is_known(side: Web, tmp_path: Path) -> None:
    side.api.store(ct_series(tmp_path / "1", slices=1).paths[0])
    registering.probe_due(side.archive)
    server = RemoteServer.objects.get(archive=side.archive)
    wanted = ("search", "paging", "metadata", "fetch", "frames", "rendered", "store")
    assert {name: server.capabilities.get(name) for name in wanted} == dict.fromkeys(wanted, True)
    assert server.capabilities.get("delete") is not True
    assert side.count() == 1
