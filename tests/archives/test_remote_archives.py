"""The archive of a project at an Orthanc: made, moved, given another password; its secrets stay inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from apps.archives import reach, services
from apps.archives.models import Archive, RemoteServer
from apps.archives.services import IncomingFile, ensure_archive, ensure_remote_archive, store_files
from apps.archives.stores import store_of
from apps.integrations.kubernetes.port import Credentials
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.dicomweb import Service, parts_of
from tests.archives.test_archive_command import run
from tests.dicom import ct_series
from tests.integrations.orthanc import PASSWORD, USERNAME, running_twin

ADDRESS = "http://10.96.3.4:8042"
GATEWAY = Credentials("https://kubernetes.example:6443", "a CA", token="secret of the cluster")
PLACE = {"route": Route(ADDRESS), "username": "portal", "password": "first secret"}


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(services, "ring", lambda name, pk: rung.append((name, pk)))
    return rung


def test_it_is_the_default_and_twice_is_once(project: Project, rung: list[tuple[str, int]]) -> None:
    archive = ensure_remote_archive(project, **PLACE)
    assert ensure_remote_archive(project, **{**PLACE, "route": Route(ADDRESS + "/")}) == archive
    assert (archive.kind, archive.is_default, archive.name) == (Archive.Kind.ORTHANC, True, "orthanc")
    assert Archive.objects.count() == RemoteServer.objects.count() == 1
    assert rung == [("archives.refresh_one", archive.pk)]
    assert ensure_archive(project) == archive


@pytest.mark.parametrize(
    "change",
    [
        {"route": Route("http://10.96.3.5:8042")},
        {"route": Route(ADDRESS, GATEWAY)},
        {"password": "second"},
        {"username": "two"},
    ],
    ids=["address", "gateway", "password", "username"],
)
def test_what_changed_is_written(project: Project, rung: list[tuple[str, int]], change: dict[str, Any]) -> None:
    archive = ensure_remote_archive(project, **PLACE)
    wanted = {**PLACE, **change}
    for _ in range(2):
        ensure_remote_archive(project, **wanted)
    server = RemoteServer.objects.get(archive=archive)
    assert (server.username, server.password) == (wanted["username"], wanted["password"])
    assert reach.route_to(server) == wanted["route"]
    assert len(rung) == 2


def test_what_opens_the_gateway_is_sealed(project: Project) -> None:
    ensure_remote_archive(project, **{**PLACE, "route": Route(ADDRESS, GATEWAY)})
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM archives_remoteserver")
        assert GATEWAY.token not in str(cursor.fetchall())
    assert GATEWAY.token not in repr(reach.route_to(RemoteServer.objects.get()))


def test_a_lost_key_is_mended_by_writing_again(project: Project) -> None:
    archive = ensure_remote_archive(project, **PLACE)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE archives_remoteserver SET password = 'sealed by another key'")
    ensure_remote_archive(project, **PLACE)
    assert RemoteServer.objects.get(archive=archive).password == PLACE["password"]


def test_a_built_in_archive_stays_beside_it(project: Project) -> None:
    old = ensure_archive(project)
    new = ensure_remote_archive(project, **PLACE)
    old.refresh_from_db()
    assert (old.is_default, new.is_default) == (False, True)


def test_the_password_is_sealed_at_rest(project: Project) -> None:
    ensure_remote_archive(project, **PLACE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM archives_remoteserver")
        (sealed,) = cursor.fetchone()
    assert PLACE["password"] not in sealed
    assert PLACE["password"] not in f"{RemoteServer.objects.get()!r}{RemoteServer.objects.get()}"


def test_a_new_password_is_tried_at_once(project: Project, tmp_path: Path, settings: Settings) -> None:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    with running_twin() as twin:
        archive = ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password="wrong")
        with pytest.raises(services.ArchiveUnreachable, match="password"):
            services.refresh(archive)
        with pytest.raises(services.ArchiveUnreachable, match="password"), reach.reach(archive.pk):
            pass
        ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password=PASSWORD)
        with reach.reach(archive.pk) as api:
            assert api.count() == 0


def test_the_command_compares_and_mends_it(
    project: Project, service: Service, tmp_path: Path, settings: Settings
) -> None:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    series = ct_series(tmp_path / "source", slices=3)
    with running_twin() as twin:
        archive = ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password=PASSWORD)
        store_files(archive, [IncomingFile(path) for path in series.paths[:2]], by=None)
        assert "all 2 objects are there" in run("verify", "cardiac-mr")[0]
        twin.put(series.paths[2].read_bytes())
        assert "the index has 3 objects, before 2" in run("adopt", "cardiac-mr")[0]
        name = next(iter(twin.objects))
        twin.objects[name] = twin.objects[name] + b"x"
        _, err = run("verify", "cardiac-mr")
        assert "other bytes" in err
        twin.fault = "error"
        assert "does not answer" in run("verify", "cardiac-mr")[1]


def test_many_objects_are_sent_though_the_cache_is_small(
    project: Project, service: Service, tmp_path: Path, settings: Settings
) -> None:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "small-cache"
    settings.OBJECT_CACHE_BYTES = 4000
    series = ct_series(tmp_path / "source", slices=12)
    with running_twin() as twin:
        archive = ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password=PASSWORD)
        service.store_files(series.paths)
        parts = parts_of(service.get(f"studies/{series.study_instance_uid}"))
        assert sorted(body for _, body in parts) == sorted(path.read_bytes() for path in series.paths)
        assert sum(path.stat().st_size for path in settings.OBJECT_CACHE_DIR.iterdir()) <= 4000
        assert not store_of(archive).new_folder().parent.parent.joinpath("objects").exists()
