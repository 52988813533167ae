"""Deletion by the portal's own doors from the real Orthanc, and from one that deletes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import registering
from apps.archives.models import Archive, Instance, RemoteServer, Study
from apps.archives.services import ensure_remote_archive, refresh
from apps.archives.verification import verify
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.dicomweb import Service, failures, place
from tests.archives.sides import Remote, Web
from tests.archives.test_deleting import (
    by_token,
    delete,
    series,
    test_an_object_a_series_and_a_study_go_with_their_bytes,
    test_nobody_else_deletes,
)
from tests.dicom import WrittenSeries, ct_series
from tests.peers.orthanc import HERE, Orthanc, running_orthanc
from tests.peers.orthanc.conftest import remote as side
from tests.peers.orthanc.test_any_dicomweb_store import side as web_side
from tests.peers.starting import LOOPBACK, require

__all__ = [
    "series",
    "side",
    "test_an_object_a_series_and_a_study_go_with_their_bytes",
    "test_nobody_else_deletes",
    "web_side",
]
pytestmark = pytest.mark.peers
PAGE = "/projects/cardiac-mr/data/"
READS_ALONE = """
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
  return method == 'GET'
end
"""


@pytest.fixture
def archive(side: Remote) -> Archive:
    return side.archive


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def by_page(client: Client, series: WrittenSeries) -> str:
    """What the page says afterwards."""
    chosen = {"studies": series.study_instance_uid}
    client.post(f"{PAGE}selected/", {"action": "delete", **chosen})
    said: str = client.post(f"{PAGE}selected/delete/", chosen, follow=True).text
    return said


def frame_of(series: WrittenSeries) -> str:
    return f"{place(series)}/instances/{series.sop_instance_uids[0]}/frames/1"


def test_from_its_page_a_study_goes_there_too(side: Remote, series: WrittenSeries, alices: Client) -> None:
    assert "1 study with 3 objects is deleted." in by_page(alices, series)
    assert (side.count(), Study.objects.count()) == (0, 0)


class TestOfThePluginThatDeletesNothing:
    @pytest.fixture
    def archive(self, web_side: Web) -> Archive:
        return web_side.archive

    def test_the_door_answers_405_and_the_page_says_why(
        self, web_side: Web, archive: Archive, series: WrittenSeries, alice: User, alices: Client
    ) -> None:
        service = Service.by_session(alice)
        for path in (place(series), f"studies/{series.study_instance_uid}"):
            answer = delete(service, path)
            assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
        assert RemoteServer.objects.get().capabilities["delete"] is False
        assert "delete there" in by_page(alices, series)
        assert web_side.count() == Instance.objects.count() == 3
        assert service.get(frame_of(series)).status_code == 200
        assert list(verify(archive)) == []


class TestOfOneWhoseUserMayOnlyRead:
    @pytest.fixture
    def full(self, tmp_path: Path) -> Iterator[tuple[Orthanc, WrittenSeries]]:
        """A filter in it lets nothing but GET pass; what it has came by DIMSE."""
        require(["storescu"], HERE / "packages.txt")
        folder = tmp_path / "orthanc"
        folder.mkdir()
        (folder / "filter.lua").write_text(READS_ALONE)
        written = ct_series(tmp_path / "source", slices=3)
        with running_orthanc(folder, LuaScripts=[str(folder / "filter.lua")]) as address:
            where = ["-aec", address.ae_title, LOOPBACK, str(address.dicom_port)]
            subprocess.run(["storescu", *where, *map(str, written.paths)], check=True, timeout=30)
            yield address, written

    @pytest.fixture
    def archive(
        self, full: tuple[Orthanc, WrittenSeries], project: Project, tmp_path: Path, settings: Settings
    ) -> Archive:
        settings.ARCHIVES_DIR, settings.OBJECT_CACHE_DIR = tmp_path / "archives", tmp_path / "object-cache"
        address, _ = full
        route, (username, password) = Route(address.url), address.credentials
        made = ensure_remote_archive(project, route=route, username=username, password=password)
        assert refresh(made)
        return made

    def test_it_refuses_that_alone_and_is_read_on(
        self, archive: Archive, full: tuple[Orthanc, WrittenSeries], alice: User, tmp_path: Path
    ) -> None:
        service, written = Service.by_session(alice), full[1]
        assert delete(service, place(written)).status_code == 405
        refused = by_token(alice, "images:store").store([ct_series(tmp_path / "1", slices=1).paths[0].read_bytes()])
        assert [sentence for _, sentence in failures(refused)] == [
            "The archive's server takes no objects from the portal."
        ]
        assert service.get(frame_of(written)).status_code == 200
        assert RemoteServer.objects.get().unreachable_since is None
        registering.probe_due(archive)
        known = {"search": True, "fetch": True, "store": False, "delete": False}
        assert RemoteServer.objects.get().capabilities == known
