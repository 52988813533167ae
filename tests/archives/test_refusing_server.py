"""An Orthanc that lets the portal read, and not store or delete: that alone is refused, and reading goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import registering, tasks
from apps.archives.models import Archive, Instance, RemoteServer
from apps.archives.services import IncomingFile, ensure_remote_archive, refresh, store_files
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.dicomweb import Service, failures, place
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.orthanc import PASSWORD, USERNAME, TwinOrthanc, running_twin

pytestmark = pytest.mark.faults
STATUSES = [403, 405, 501]


@pytest.fixture
def twin() -> Iterator[TwinOrthanc]:
    with running_twin() as running:
        yield running


@pytest.fixture
def archive(twin: TwinOrthanc, project: Project, tmp_path: Path, settings: Settings) -> Archive:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    return ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password=PASSWORD)


@pytest.fixture
def series(archive: Archive, tmp_path: Path) -> WrittenSeries:
    written = ct_series(tmp_path / "source", slices=2)
    store_files(archive, [IncomingFile(path) for path in written.paths], by=None)
    return written


def is_readable(service: Service, series: WrittenSeries) -> bool:
    frame = f"{place(series)}/instances/{series.sop_instance_uids[0]}/frames/1"
    return service.get(frame).status_code == 200 and RemoteServer.objects.get().unreachable_since is None


@pytest.mark.parametrize("status", STATUSES)
def test_a_deletion_that_it_refuses_is_405_and_asked_for_once(
    twin: TwinOrthanc, service: Service, alice: User, series: WrittenSeries, status: int
) -> None:
    twin.refuses = {"DELETE": status}
    session = Service.by_session(alice)
    for _ in range(2):
        answer = session.client.delete(f"{session.root}/{place(series)}")
        assert (answer.status_code, "delete there" in answer.json()["detail"]) == (405, True)
    assert len([asked for asked in twin.requests if asked.startswith("DELETE")]) == 1
    assert (Instance.objects.count(), len(twin.objects)) == (2, 2)
    assert is_readable(service, series)


@pytest.mark.parametrize("status", STATUSES)
def test_an_object_that_it_refuses_is_told_so_to_its_sender(
    twin: TwinOrthanc, service: Service, series: WrittenSeries, tmp_path: Path, status: int
) -> None:
    twin.refuses = {"POST": status}
    response = service.store([ct_series(tmp_path / "more", slices=1).paths[0].read_bytes()])
    assert response.status_code == 409
    assert [sentence for _, sentence in failures(response)] == [
        "The archive's server takes no objects from the portal."
    ]
    assert is_readable(service, series)


def test_what_it_can_do_is_found_out_by_the_refresh(
    twin: TwinOrthanc, archive: Archive, series: WrittenSeries, service: Service, tmp_path: Path
) -> None:
    twin.refuses = {"POST": 403, "DELETE": 405}
    tasks.refresh_one(archive.pk)
    known = {"search": True, "fetch": True, "store": False, "delete": False}
    assert RemoteServer.objects.get().capabilities == known
    twin.requests.clear()
    response = service.store([ct_series(tmp_path / "more", slices=1).paths[0].read_bytes()])
    assert response.status_code == 409
    assert twin.requests == []
    tasks.refresh_one(archive.pk)
    assert not [asked for asked in twin.requests if asked.startswith(("POST", "DELETE"))]
    registering.ask_look(archive, by=archive.project.memberships.get(role="owner").user)
    twin.refuses = {}
    tasks.refresh_one(archive.pk)
    assert RemoteServer.objects.get().capabilities == dict.fromkeys(known, True)


def test_what_fails_of_the_probe_stays_unknown(twin: TwinOrthanc, archive: Archive) -> None:
    twin.refuses = {"POST": 500, "DELETE": 404}
    registering.probe_due(archive)
    assert RemoteServer.objects.get().capabilities == {"search": True, "delete": True}


def test_the_page_says_not_known_until_then(
    twin: TwinOrthanc, archive: Archive, series: WrittenSeries, alice: User, client: Client
) -> None:
    refresh(archive)
    client.force_login(alice)
    page = client.get("/projects/cardiac-mr/archives/").content.decode()
    assert ("not known yet" in page, "everything" in page) == (True, False)
    twin.refuses = {"DELETE": 403}
    registering.probe_due(archive)
    page = client.get("/projects/cardiac-mr/archives/").content.decode()
    assert "search, fetch objects, store" in page
    assert "not: delete" in page
    assert "unknown:" not in page
