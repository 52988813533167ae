"""Owners delete a study, a series or an object by DICOMweb, for good; nobody else does, and not every server."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives import deleting, removal
from apps.archives.models import Archive, Instance, RemoteServer, Study
from apps.archives.services import IncomingFile, refresh, store_files
from apps.archives.verification import verify
from apps.audit.models import Entry
from apps.projects.models import Project
from tests.archives import sides
from tests.archives.dicomweb import Service, place
from tests.archives.sides import Side
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.dicomweb_server import PASSWORD, USERNAME, TwinDicomWeb, running_dicomweb
from tests.killing import die, is_killed

SIDES = {"built-in": sides.built_in, "orthanc": sides.at_twin, "dicomweb": sides.at_web_twin}


@pytest.fixture
def _loopback(tmp_path: Path, settings: Settings) -> None:
    settings.ARCHIVES_DIR, settings.OBJECT_CACHE_DIR = tmp_path / "archives", tmp_path / "object-cache"
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]


@pytest.fixture(params=list(SIDES))
def side(request: pytest.FixtureRequest, project: Project, _loopback: None) -> Iterator[Side]:
    with SIDES[request.param](project) as made:
        yield made


@pytest.fixture
def archive(side: Side) -> Archive:
    return side.archive


@pytest.fixture
def series(archive: Archive, tmp_path: Path) -> WrittenSeries:
    written = ct_series(tmp_path / "source", slices=3)
    store_files(archive, [IncomingFile(path) for path in written.paths], by=None)
    return written


def delete(service: Service, path: str) -> HttpResponse:
    return service.client.delete(f"{service.root}/{path}", headers=service.headers)


def by_token(user: User, *scopes: str) -> Service:
    return Service.by_token(make_token(user, name="tests", days=1, scopes=scopes)[1])


def test_an_object_a_series_and_a_study_go_with_their_bytes(
    side: Side, archive: Archive, series: WrittenSeries, alice: User
) -> None:
    service = Service.by_session(alice)
    first = f"{place(series)}/instances/{series.sop_instance_uids[0]}"
    assert delete(service, first).status_code == 204
    assert (side.count(), Instance.objects.count(), Study.objects.get().instance_count) == (2, 2, 2)
    assert service.get(f"{first}/frames/1").status_code == 404
    assert delete(service, first).status_code == 404
    assert list(verify(archive)) == []
    assert delete(service, place(series)).status_code == 204
    assert (side.count(), Study.objects.count()) == (0, 0)
    assert refresh(archive)
    store_files(archive, [IncomingFile(path) for path in series.paths], by=None)
    assert delete(service, f"studies/{series.study_instance_uid}").status_code == 204
    assert (side.count(), Study.objects.count()) == (0, 0)
    entries = Entry.objects.filter(action="images.deleted").order_by("pk")
    assert [(entry.actor_pk, entry.detail["instances"]) for entry in entries] == [
        (alice.pk, 1),
        (alice.pk, 2),
        (alice.pk, 3),
    ]


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_is_killed_is_ended_by_deleting_again(
    side: Side, archive: Archive, series: WrittenSeries, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.objects.select_related("archive").get()
    with monkeypatch.context() as patched:
        patched.setattr(removal, "remove", die)
        assert is_killed(lambda: deleting.delete(study, by=alice))
    assert Instance.objects.count() == 3
    assert deleting.delete(study, by=alice) == 3
    assert (side.count(), Study.objects.count()) == (0, 0)


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("vera", 403), ("charlie", 404), ("admin", 403)])
def test_nobody_else_deletes(
    request: pytest.FixtureRequest, side: Side, series: WrittenSeries, who: str, status: int
) -> None:
    person = request.getfixturevalue(who)
    for service in (Service.by_session(person), by_token(person, "images:read", "images:store", "images:delete")):
        assert delete(service, f"studies/{series.study_instance_uid}").status_code == status
    assert delete(Service(Client()), place(series)).status_code == 401
    assert side.count() == 3


class TestInTheBuiltInStore:
    @pytest.fixture
    def side(self, project: Project, _loopback: None) -> Iterator[Side]:
        with sides.built_in(project) as made:
            yield made

    def test_a_token_needs_its_scope(self, side: Side, series: WrittenSeries, alice: User) -> None:
        path = f"studies/{series.study_instance_uid}"
        assert delete(by_token(alice, "images:read", "images:store"), path).status_code == 403
        assert delete(by_token(alice, "images:delete"), path).status_code == 204

    def test_a_page_of_another_site_deletes_nothing(self, side: Side, series: WrittenSeries, alice: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        answer = client.delete(f"/projects/cardiac-mr/dicomweb/studies/{series.study_instance_uid}")
        assert answer.status_code == 403
        assert side.count() == 3

    def test_nothing_is_deleted_while_the_project_rests(
        self, side: Side, series: WrittenSeries, alice: User, project: Project
    ) -> None:
        project.move_to(Project.Status.SUSPENDED)
        assert delete(Service.by_session(alice), place(series)).status_code == 403
        assert side.count() == 3

    def test_what_shares_the_study_stays(self, side: Side, series: WrittenSeries, alice: User, tmp_path: Path) -> None:
        other = ct_series(tmp_path / "other", slices=1, study_instance_uid=series.study_instance_uid)
        store_files(side.archive, [IncomingFile(path) for path in other.paths], by=None)
        assert delete(Service.by_session(alice), place(series)).status_code == 204
        study = Study.objects.get()
        assert (study.series_count, study.instance_count, side.count()) == (1, 1, 1)


class TestAtAServerThatDoesNot:
    @pytest.fixture
    def twin(self) -> Iterator[TwinDicomWeb]:
        with running_dicomweb() as running:
            running.lacks = {"delete", "options"}
            yield running

    @pytest.fixture
    def archive(self, twin: TwinDicomWeb, project: Project, _loopback: None) -> Iterator[Archive]:
        with sides.web_at(project, twin.url, USERNAME, PASSWORD, remove=twin.remove) as side:
            yield side.archive

    def test_it_is_405_from_the_first_time_on(
        self, archive: Archive, twin: TwinDicomWeb, series: WrittenSeries, alice: User
    ) -> None:
        answers = [delete(Service.by_session(alice), place(series)) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [405, 405]
        assert answers[0]["Allow"] == "GET, HEAD"
        assert "delete there" in answers[0].json()["detail"]
        assert len([asked for asked in twin.requests if asked.startswith("DELETE")]) == 1
        assert RemoteServer.objects.get().capabilities["delete"] is False
        assert Instance.objects.count() == len(twin.objects) == 3

    def test_one_that_is_away_keeps_its_images_in_the_index(
        self, archive: Archive, twin: TwinDicomWeb, series: WrittenSeries, alice: User
    ) -> None:
        twin.lacks, twin.fault = set(), "error"
        assert delete(Service.by_session(alice), place(series)).status_code == 503
        twin.fault = ""
        assert Instance.objects.count() == len(twin.objects) == 3
