"""Owners delete studies from their page or from the table, after seeing once more what goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.archives.models import Archive, Instance, RemoteServer, Study
from apps.audit.models import Entry
from apps.datasets.uploads.services import import_files
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries, ct_series

PAGE = "/projects/cardiac-mr/data/"
ASK, DELETE = f"{PAGE}selected/", f"{PAGE}selected/delete/"


@pytest.fixture
def series(archive: Archive, alice: User, tmp_path: Path) -> WrittenSeries:
    written = ct_series(tmp_path / "ct", slices=2)
    assert not import_files(archive, written.paths, by=alice).refused
    return written


@pytest.fixture
def alices(client_of: ClientOf, alice: User) -> Client:
    return client_of(alice)


def chosen(series: WrittenSeries, archive: str = "images") -> dict[str, str]:
    return {"action": "delete", "studies": series.study_instance_uid, "query": f"archive={archive}"}


def test_from_its_page_a_study_is_deleted_after_a_second_look(
    alices: Client, series: WrittenSeries, alice: User
) -> None:
    page = alices.get(f"{PAGE}studies/{series.study_instance_uid}/").text
    assert 'value="delete"' in page
    asked = alices.post(ASK, chosen(series))
    assert "cannot be undone" in asked.text
    assert Study.objects.count() == 1
    answer = alices.post(DELETE, {"studies": series.study_instance_uid}, follow=True)
    assert "1 study with 2 objects is deleted." in answer.text
    assert (Study.objects.count(), Instance.objects.count()) == (0, 0)
    entry = Entry.objects.get(action="images.deleted")
    assert (entry.actor_pk, entry.detail["instances"]) == (alice.pk, 2)
    assert "Choose anew" in alices.post(DELETE, {"studies": series.study_instance_uid}, follow=True).text


def test_nobody_else_is_offered_it_or_may(
    series: WrittenSeries, bob: User, vera: User, admin: User, client_of: ClientOf
) -> None:
    for person in (bob, vera, admin):
        client = client_of(person)
        assert 'value="delete"' not in client.get(f"{PAGE}studies/{series.study_instance_uid}/").text
        assert client.post(ASK, chosen(series)).status_code == 403
        assert client.post(DELETE, {"studies": series.study_instance_uid}).status_code == 403
    assert Study.objects.count() == 1


def test_what_is_of_another_archive_stays(alices: Client, series: WrittenSeries, archive: Archive, alice: User) -> None:
    second = Archive.objects.create(project=archive.project, name="research")
    import_files(second, series.paths, by=alice)
    answer = alices.post(f"{DELETE}?archive=research", {"studies": series.study_instance_uid})
    assert answer["Location"] == f"{PAGE}?archive=research"
    assert Study.objects.get().archive == archive


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_it_takes_a_form_alone(alices: Client, series: WrittenSeries, method: str) -> None:
    assert getattr(alices, method)(DELETE).status_code == 405
    assert alices.post(DELETE, {"studies": series.study_instance_uid, "scope": "matching"}).status_code == 400
    assert Study.objects.count() == 1


def test_where_the_server_deletes_nothing_it_is_not_offered(
    alices: Client, series: WrittenSeries, archive: Archive
) -> None:
    Archive.objects.filter(pk=archive.pk).update(kind=Archive.Kind.DICOMWEB)
    RemoteServer.objects.create(archive=archive, address="https://pacs.example", capabilities={"delete": False})
    assert 'value="delete"' not in alices.get(f"{PAGE}studies/{series.study_instance_uid}/").text
    assert alices.post(ASK, chosen(series)).status_code == 403
    said = alices.post(
        reverse("datasets:delete_studies", args=["cardiac-mr"]), {"studies": series.study_instance_uid}, follow=True
    )
    assert "delete there" in said.text
