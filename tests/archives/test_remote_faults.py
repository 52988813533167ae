"""An Orthanc that is dead, mute, closed to us, broken or lying: pages answer, say so, and the index stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import reach, services
from apps.archives.models import Archive, Instance, RemoteServer
from apps.archives.services import ArchiveUnreachable, IncomingFile, ensure_remote_archive, refresh, store_files
from apps.core.sealed import seal
from apps.integrations.dicomweb import exchange
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.dicomweb import Service, body_of, failures
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.orthanc import PASSWORD, USERNAME, TwinOrthanc, running_twin
from tests.portal import free_port

pytestmark = pytest.mark.faults
MUTE_SECONDS = 0.3


@pytest.fixture
def twin() -> Iterator[TwinOrthanc]:
    with running_twin() as running:
        yield running


@pytest.fixture
def archive(
    twin: TwinOrthanc, project: Project, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Archive:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    monkeypatch.setattr(exchange, "SILENCE_SECONDS", MUTE_SECONDS)
    monkeypatch.setattr(exchange, "ANSWER_SECONDS", MUTE_SECONDS)
    return ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password=PASSWORD)


@pytest.fixture
def series(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrittenSeries:
    """In the archive and its index, and nowhere on this machine."""
    written = ct_series(tmp_path / "source", slices=2)
    with monkeypatch.context() as patient:
        patient.setattr(exchange, "SILENCE_SECONDS", 10.0)
        patient.setattr(exchange, "ANSWER_SECONDS", 10.0)
        store_files(archive, [IncomingFile(path) for path in written.paths], by=None)
    return written


def frame_of(series: WrittenSeries, number: int = 0) -> str:
    return (
        f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{series.sop_instance_uids[number]}/frames/1"
    )


def break_it(twin: TwinOrthanc, archive: Archive, fault: str) -> None:
    if fault == "closed":
        RemoteServer.objects.update(address=f"http://127.0.0.1:{free_port()}")
    elif fault == "password":
        twin.password = "another"
    elif fault == "key":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE archives_remoteserver SET password = %s", [seal("x")[:-4] + "AAA="])
    else:
        twin.fault = fault


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("closed", "does not answer"),
        ("hang", "does not answer"),
        ("error", "does not answer"),
        ("endless", "does not answer"),
        ("drip", "does not answer"),
        ("html", "does not answer"),
        ("password", "password"),
        ("key", "password"),
    ],
)
def test_the_door_says_503_with_a_sentence(
    twin: TwinOrthanc, archive: Archive, service: Service, series: WrittenSeries, fault: str, words: str
) -> None:
    break_it(twin, archive, fault)
    response = service.get(frame_of(series))
    assert response.status_code == 503
    assert words in response.json()["detail"]
    assert response["Retry-After"] == "60"
    assert len(service.search("studies")) == 1
    complaint = RemoteServer.objects.values_list("complaint", "unreachable_since").get()
    assert complaint[0]
    assert complaint[1] is not None


@pytest.mark.parametrize("fault", ["other", "long"])
def test_lies_are_never_handed_out(
    twin: TwinOrthanc, archive: Archive, service: Service, series: WrittenSeries, fault: str
) -> None:
    twin.fault = fault
    for path in (frame_of(series), frame_of(series).removesuffix("/frames/1")):
        response = service.get(path)
        assert response.status_code == 410
        assert "detail" in response.json()
    twin.fault = ""
    cache.clear()
    assert body_of(service.get(frame_of(series), "application/octet-stream")) == series.paths[0].read_bytes()[-512:]


@pytest.mark.parametrize("fault", ["closed", "hang", "error", "absent", "html", "password"])
def test_a_refresh_takes_nothing_out_of_the_index(
    twin: TwinOrthanc, archive: Archive, series: WrittenSeries, fault: str
) -> None:
    break_it(twin, archive, fault)
    with pytest.raises(ArchiveUnreachable):
        refresh(archive)
    assert Instance.objects.count() == 2
    server = RemoteServer.objects.get()
    assert server.unreachable_since is not None
    assert server.refresh_due_at >= server.unreachable_since


@pytest.mark.parametrize("fault", ["other", "endless", "drip", "long"])
def test_what_a_refresh_cannot_read_stays_outside(
    twin: TwinOrthanc, archive: Archive, tmp_path: Path, fault: str
) -> None:
    refresh(archive)
    (path,) = ct_series(tmp_path / "source", slices=1).paths
    twin.put(path.read_bytes())
    twin.fault = fault
    if fault in ("endless", "drip"):
        with pytest.raises(ArchiveUnreachable):
            refresh(archive)
        assert Instance.objects.count() == 0
    twin.fault = ""
    assert refresh(archive)
    assert Instance.objects.count() == 1


def test_it_is_asked_ever_later_and_at_once_when_it_is_back(twin: TwinOrthanc, archive: Archive) -> None:
    twin.fault = "error"
    RemoteServer.objects.update(unreachable_since=timezone.now() - timedelta(minutes=5))
    with pytest.raises(ArchiveUnreachable):
        refresh(archive)
    wait = RemoteServer.objects.get().refresh_due_at - timezone.now()
    assert timedelta(minutes=4) < wait < timedelta(minutes=6)
    RemoteServer.objects.update(unreachable_since=timezone.now() - timedelta(days=5))
    with pytest.raises(ArchiveUnreachable):
        refresh(archive)
    assert RemoteServer.objects.get().refresh_due_at - timezone.now() < 2 * reach.LONGEST_PAUSE
    twin.fault = ""
    assert refresh(archive)
    server = RemoteServer.objects.get()
    assert (server.unreachable_since, server.complaint) == (None, "")
    assert server.refresh_due_at <= timezone.now()


def test_a_mute_server_costs_one_wait(
    twin: TwinOrthanc, archive: Archive, service: Service, series: WrittenSeries
) -> None:
    twin.fault = "hang"
    service.get(frame_of(series))
    asked = len(twin.requests)
    started = time.monotonic()
    assert {service.get(frame_of(series, number)).status_code for number in (0, 1, 0, 1)} == {503}
    assert time.monotonic() - started < 2
    assert len(twin.requests) == asked


def test_places_are_few(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PLACE_SECONDS", 0.05)
    with ExitStack() as held:
        for _ in range(reach.PLACES):
            held.enter_context(reach.reach(archive.pk))
        with pytest.raises(ArchiveUnreachable, match="busy"), reach.reach(archive.pk):
            pass
    with reach.reach(archive.pk):
        pass


def test_a_full_server_is_said_to_be_full(
    twin: TwinOrthanc, archive: Archive, service: Service, tmp_path: Path
) -> None:
    twin.fault = "full"
    response = service.store([ct_series(tmp_path / "source", slices=1).paths[0].read_bytes()])
    assert response.status_code == 409
    ((reason, sentence),) = failures(response)
    assert (reason, "no space" in sentence) == (0xA700, True)
    assert RemoteServer.objects.get().unreachable_since is None


def test_storing_is_put_off_and_lost_by_nobody(
    twin: TwinOrthanc, archive: Archive, service: Service, tmp_path: Path
) -> None:
    series = ct_series(tmp_path / "source", slices=2)
    bodies = [path.read_bytes() for path in series.paths]
    twin.fault = "error"
    assert service.store(bodies).status_code == 503
    assert Instance.objects.count() == 0
    twin.fault = ""
    cache.clear()
    assert service.store(bodies).status_code == 200
    assert Instance.objects.count() == 2


@pytest.mark.parametrize("fault", ["closed", "hang", "password", "key"])
def test_pages_answer_as_ever(
    twin: TwinOrthanc, archive: Archive, alice: User, client: Client, series: WrittenSeries, fault: str
) -> None:
    break_it(twin, archive, fault)
    with pytest.raises(ArchiveUnreachable):
        refresh(archive)
    twin.requests.clear()
    client.force_login(alice)
    pages = ("", f"studies/{series.study_instance_uid}/", f"series/{series.series_instance_uid}/")
    started = time.monotonic()
    for page in pages:
        response = client.get(f"/projects/cardiac-mr/data/{page}")
        assert response.status_code == 200, page
        assert b"Archive unreachable" in response.content
    assert time.monotonic() - started < 5
    assert twin.requests == []


def test_only_an_administrator_is_told_why(
    twin: TwinOrthanc, archive: Archive, alice: User, admin: User, client: Client
) -> None:
    twin.password = "another"
    with pytest.raises(ArchiveUnreachable):
        refresh(archive)
    complaint = RemoteServer.objects.get().complaint
    for person, is_told in ((alice, False), (admin, True)):
        client.force_login(person)
        page = client.get("/projects/cardiac-mr/data/").content.decode()
        assert "Archive unreachable" in page
        assert (escape(complaint) in page) is is_told


def test_an_upload_page_says_so(
    twin: TwinOrthanc, archive: Archive, alice: User, client: Client, tmp_path: Path
) -> None:
    (path,) = ct_series(tmp_path / "source", slices=1).paths
    twin.fault = "error"
    client.force_login(alice)
    with path.open("rb") as file:
        response = client.post("/projects/cardiac-mr/data/upload/", {"files": [file]}, headers={"Accept": "text/html"})
    assert response.status_code == 503
    assert b"does not answer" in response.content
    assert PASSWORD.encode() not in response.content


def test_no_secret_in_the_log(
    twin: TwinOrthanc, archive: Archive, series: WrittenSeries, caplog: pytest.LogCaptureFixture
) -> None:
    for fault in ("password", "closed"):
        break_it(twin, archive, fault)
        with pytest.raises(ArchiveUnreachable):
            refresh(archive)
    assert caplog.text
    assert PASSWORD not in caplog.text


def test_reread_leaves_alone_what_lies(twin: TwinOrthanc, archive: Archive, series: WrittenSeries) -> None:
    instance = Instance.objects.select_related("archive", "series__study").first()
    assert instance is not None
    name, other = sorted(twin.objects, key=lambda one: one != instance.remote_name)
    twin.objects[name], truth = twin.objects[other], twin.objects[name]
    services.reread(instance)
    twin.objects[name] = b"<html>"
    services.reread(instance)
    twin.objects[name] = truth
    services.reread(instance)
    assert Instance.objects.get(pk=instance.pk).sha256 == instance.sha256
