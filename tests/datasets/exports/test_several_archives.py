"""Exports of a project with several archives: each can be exported, and none gets out of sight."""

from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives.models import Archive, Export
from apps.archives.tasks import advance_exports
from apps.audit.models import Entry
from apps.datasets.uploads.services import import_files
from apps.projects.models import Project
from tests.conftest import ClientOf
from tests.dicom import ct_series

PAGE = "/projects/cardiac-mr/data/exports/"
Status = Export.Status


@pytest.fixture
def target(tmp_path: Path, settings: Settings) -> Path:
    settings.EXPORT_TARGETS = {"atlas": str(tmp_path / "exports")}
    return tmp_path / "exports" / "cardiac-mr"


@pytest.fixture
def research(project: Project, archive: Archive, alice: User, tmp_path: Path) -> Archive:
    """A second archive, with two objects."""
    second = Archive.objects.create(project=project, name="research")
    assert not import_files(second, ct_series(tmp_path / "source", slices=2).paths, by=alice).refused
    return second


@pytest.fixture
def owner(client_of: ClientOf, alice: User) -> Client:
    return client_of(alice)


def ask(client: Client, archive: str) -> int:
    return client.post(f"{PAGE}ask/", {"archive": archive, "target": "atlas"}).status_code


def test_the_one_that_is_chosen_is_exported(owner: Client, research: Archive, target: Path) -> None:
    assert '<option value="research">' in owner.get(PAGE).text
    assert '<option value="research" selected>' in owner.get(f"{PAGE}?archive=research").text
    assert ask(owner, "research") == 302
    advance_exports()
    export = Export.objects.get()
    assert (export.archive, export.status, export.done_count) == (research, Status.DONE, 2)
    assert len(list((target / "research").rglob("*.dicom"))) == 2
    assert not (target / "images").exists()
    assert '<td data-label="Archive">research</td>' in owner.get(PAGE).text
    detail = Entry.objects.get(action="export.asked").detail
    assert detail == {"archive": "research", "target": "atlas"}


def test_the_images_of_an_archive_lead_to_its_export(owner: Client, research: Archive) -> None:
    assert f'href="{PAGE}?archive=research"' in owner.get("/projects/cardiac-mr/data/?archive=research").text


def test_one_stays_in_sight_when_another_archive_becomes_the_default(
    owner: Client, archive: Archive, research: Archive, target: Path
) -> None:
    ask(owner, archive.name)
    assert owner.post("/projects/cardiac-mr/archives/research/default/").status_code == 302
    research.refresh_from_db()
    assert research.is_default
    export = Export.objects.get()
    assert f"{PAGE}{export.pk}/cancel/" in owner.get(PAGE).text
    assert owner.post(f"{PAGE}{export.pk}/cancel/").status_code == 302
    export.refresh_from_db()
    assert export.status == Status.CANCELLED


def test_one_archive_alone_is_not_asked_for(owner: Client, archive: Archive, target: Path) -> None:
    assert 'name="archive"' not in owner.get(PAGE).text
    assert owner.post(f"{PAGE}ask/", {"target": "atlas"}).status_code == 302
    assert Export.objects.get().archive == archive


@pytest.mark.parametrize("name", ["", "nosuch", "../images"])
def test_archives_that_are_not_there_are_refused(owner: Client, research: Archive, target: Path, name: str) -> None:
    assert ask(owner, name) == 200
    assert not Export.objects.exists()
    assert owner.get(f"{PAGE}?archive=nosuch").status_code == 404


def test_one_that_was_taken_out_removes_nothing_from_the_target(owner: Client, research: Archive, target: Path) -> None:
    ask(owner, "research")
    advance_exports()
    ask(owner, "research")
    research.removed_at = timezone.now()
    research.save()
    research.studies.all().delete()
    advance_exports()
    last = Export.objects.order_by("pk").last()
    assert last
    assert (last.status, last.sentence) == (Status.FAILED, "The archive was taken out of the portal.")
    assert len(list((target / "research").rglob("*.dicom"))) == 2
    page = owner.get(PAGE).text
    assert "taken out" in page
    assert '<option value="research"' not in page
