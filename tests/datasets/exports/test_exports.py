"""Exports that a person asks for: into named places only, by who may export, seen while they go on."""

import os
import signal
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import exports
from apps.archives.models import Archive, Export, Instance
from apps.archives.static_export import exporting
from apps.archives.static_export.folder import FolderTarget
from apps.archives.static_export.resources import Resource
from apps.archives.tasks import advance_exports
from apps.audit.models import Entry
from apps.core.models import Lease
from apps.datasets.uploads.services import import_files
from apps.projects.models import Membership, Project
from tests.archives.dicom_files import path_of
from tests.conftest import ClientOf
from tests.dicom import ct_series
from tests.killing import exit_of_child
from tests.queries import cost_of

PAGE = "/projects/cardiac-mr/data/exports/"
Status = Export.Status


@pytest.fixture
def target(tmp_path: Path, settings: Settings) -> Path:
    settings.EXPORT_TARGETS = {"atlas": str(tmp_path / "exports")}
    return tmp_path / "exports" / "cardiac-mr" / "images"


@pytest.fixture
def images(archive: Archive, alice: User, tmp_path: Path) -> list[Instance]:
    import_files(archive, ct_series(tmp_path / "source", slices=5).paths, by=alice)
    return list(Instance.objects.select_related("series__study"))


@pytest.fixture
def owner(client_of: ClientOf, alice: User) -> Client:
    return client_of(alice)


def ask(client: Client, target: str = "atlas") -> int:
    return client.post(f"{PAGE}ask/", {"target": target}).status_code


def test_all_images_are_exported_and_audited(
    owner: Client, alice: User, project: Project, images: list[Instance], target: Path
) -> None:
    assert "Nothing has been exported yet." in owner.get(PAGE).text
    assert ask(owner) == 302
    assert 'hx-trigger="every 3s"' in owner.get(PAGE).text
    advance_exports()
    export = Export.objects.get()
    assert (export.status, export.done_count, export.total_count) == (Status.DONE, 5, 5)
    assert len(list(target.rglob("*.dicom"))) == 5
    page = owner.get(PAGE).text
    assert "Exported" in page
    assert "5 of 5" in page
    assert "every 3s" not in page
    entry = Entry.objects.get(action="export.asked")
    assert (entry.actor_pk, entry.project_pk, entry.detail) == (
        alice.pk,
        project.pk,
        {"archive": "images", "target": "atlas"},
    )


def test_asking_twice_is_once_and_doing_twice_writes_nothing_twice(
    owner: Client, images: list[Instance], target: Path
) -> None:
    assert (ask(owner), ask(owner)) == (302, 302)
    assert Export.objects.count() == 1
    advance_exports()
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*.*") if path.is_file()}
    advance_exports()
    ask(owner)
    advance_exports()
    assert list(Export.objects.values_list("status", flat=True)) == [Status.DONE, Status.DONE]
    written = {path: path.stat().st_mtime_ns for path in before}
    assert written == before


@pytest.mark.parametrize("name", ["bob", "vera", "admin"])
def test_who_may_not_export_sees_and_starts_nothing(
    request: pytest.FixtureRequest, client_of: ClientOf, archive: Archive, target: Path, name: str
) -> None:
    client = client_of(request.getfixturevalue(name))
    assert client.get(PAGE).status_code == 403
    assert ask(client) == 403
    assert PAGE not in client.get("/projects/cardiac-mr/data/").text
    assert not Export.objects.exists()


@pytest.mark.parametrize("change", [{"may_export": False}, {"is_gone": True}])
def test_who_has_lost_the_right_meanwhile_exports_nothing(
    client_of: ClientOf, bob: User, images: list[Instance], target: Path, change: dict[str, bool]
) -> None:
    membership = Membership.objects.filter(user=bob)
    membership.update(may_export=True)
    assert ask(client_of(bob)) == 302
    membership.delete() if "is_gone" in change else membership.update(**change)
    advance_exports()
    export = Export.objects.get()
    assert (export.status, export.sentence) == (Status.FAILED, "The person who asked for it may no longer export.")
    assert not target.exists()


def test_only_named_places_can_be_chosen(owner: Client, archive: Archive, target: Path, settings: Settings) -> None:
    assert ask(owner, "/etc") == 200
    settings.EXPORT_TARGETS = {}
    assert "Ask an administrator to name one" in owner.get(PAGE).text
    assert ask(owner) == 200
    assert not Export.objects.exists()


def test_get_starts_nothing(owner: Client, archive: Archive, target: Path) -> None:
    assert owner.get(f"{PAGE}ask/").status_code == 405
    assert owner.get(f"{PAGE}1/cancel/").status_code == 405


def test_it_is_cancelled_in_the_middle(
    owner: Client, images: list[Instance], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BATCH", 2)
    ask(owner)
    export = Export.objects.get()
    tell = exports._tell

    def cancelled(*arguments: object) -> None:
        assert owner.post(f"{PAGE}{export.pk}/cancel/").status_code == 302
        tell(*arguments)

    monkeypatch.setattr(exports, "_tell", cancelled)
    advance_exports()
    export.refresh_from_db()
    assert export.status == Status.CANCELLED
    assert len(list(target.rglob("*.dicom"))) < 5
    assert Entry.objects.filter(action="export.cancelled").count() == 1
    page = owner.post(f"{PAGE}{export.pk}/cancel/", follow=True).text
    assert "This export has ended already." in page


@pytest.mark.faults
def test_a_target_that_cannot_be_written_is_named(
    owner: Client, images: list[Instance], tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "file").touch()
    settings.EXPORT_TARGETS = {"atlas": str(tmp_path / "file")}
    ask(owner)
    advance_exports()
    assert Export.objects.get().status == Status.FAILED
    page = owner.get(PAGE).text
    assert "The target cannot be written." in page
    assert str(tmp_path) not in page


@pytest.mark.faults
def test_a_target_that_is_no_longer_named_fails(
    owner: Client, images: list[Instance], target: Path, settings: Settings
) -> None:
    ask(owner)
    settings.EXPORT_TARGETS = {}
    advance_exports()
    assert Export.objects.get().status == Status.FAILED


@pytest.mark.faults
def test_lost_objects_are_counted_and_the_rest_is_there(owner: Client, images: list[Instance], target: Path) -> None:
    path_of(images[0]).unlink()
    ask(owner)
    advance_exports()
    assert "1 of the objects could not be read, the rest is there" in Export.objects.get().sentence
    assert len(list(target.rglob("*.dicom"))) == 4


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_an_export_whose_worker_was_killed_goes_on(
    owner: Client, images: list[Instance], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(owner)

    def work() -> None:
        def die(self: FolderTarget, resource: Resource) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        FolderTarget.put = die  # type: ignore[method-assign]
        advance_exports()

    assert exit_of_child(work) == -signal.SIGKILL
    assert Export.objects.get().status == Status.RUNNING
    advance_exports()  # the lease of the dead holds still
    assert Export.objects.get().status == Status.RUNNING
    Lease.objects.all().delete()
    advance_exports()
    assert Export.objects.get().status == Status.DONE
    assert len(list(target.rglob("*.dicom"))) == 5


def test_ten_more_exports_cost_no_more_queries(owner: Client, alice: User, archive: Archive, target: Path) -> None:
    Export.objects.create(archive=archive, target="atlas", by=alice, status=Status.DONE)
    few = cost_of(owner, PAGE)
    Export.objects.bulk_create(
        Export(archive=archive, target="atlas", by=alice, status=Status.FAILED) for _ in range(10)
    )
    assert cost_of(owner, PAGE) == few
