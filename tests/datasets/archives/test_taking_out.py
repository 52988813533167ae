"""An owner takes an archive of the portal's own out again, when it is empty; what it holds is never lost."""

from pathlib import Path

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.archives import registering
from apps.archives.models import Archive, Instance
from apps.archives.registering import StaysInPortal
from apps.archives.services import IncomingFile, store_files, sweep
from apps.audit.models import Entry
from tests.conftest import ClientOf
from tests.dicom import ct_series

PAGE = "/projects/cardiac-mr/archives/"


@pytest.fixture
def second(archive: Archive, alice: User) -> Archive:
    return registering.add(archive.project, name="second", kind=Archive.Kind.BUILT_IN, place=None, by=alice)


@pytest.fixture
def owner(client_of: ClientOf, alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def file(tmp_path: Path) -> IncomingFile:
    return IncomingFile(ct_series(tmp_path / "ct", slices=1).paths[0])


def test_an_empty_one_goes_and_its_name_is_free(second: Archive, owner: Client) -> None:
    assert f"{PAGE}second/take-out/" in owner.get(PAGE).text
    assert "holds no images." in owner.get(f"{PAGE}second/take-out/").text
    said = owner.post(f"{PAGE}second/take-out/", follow=True).text
    assert "The archive second is taken out of the portal." in said
    assert "Its server" not in said
    assert f"{PAGE}second/" not in owner.get(PAGE).text
    assert Entry.objects.filter(action="archive.taken_out").count() == 1
    sweep()
    owner.post(f"{PAGE}add/", {"name": "second", "kind": "built-in"})
    assert Archive.objects.filter(name="second", removed_at=None).exists()


def test_one_that_holds_images_stays(second: Archive, owner: Client, alice: User, file: IncomingFile) -> None:
    store_files(second, [file], by=alice)
    assert f"{PAGE}second/take-out/" not in owner.get(PAGE).text
    assert "this one holds 1 study." in owner.get(f"{PAGE}second/take-out/").text
    assert "delete them first" in owner.post(f"{PAGE}second/take-out/", follow=True).text
    assert Archive.objects.filter(pk=second.pk, removed_at=None).exists()


def test_the_default_one_stays(archive: Archive, owner: Client, alice: User) -> None:
    assert "take-out" not in owner.get(PAGE).text
    with pytest.raises(StaysInPortal):
        registering.take_out(archive, by=alice)


def test_what_is_still_on_its_way_is_refused_and_leaves_nothing(
    second: Archive, alice: User, file: IncomingFile, tmp_path: Path
) -> None:
    registering.take_out(second, by=alice)
    (result,) = store_files(second, [file], by=alice)
    assert (result.is_refused, result.sentence) == (True, "The archive was taken out of the portal.")
    assert not Instance.objects.exists()
    sweep()
    assert Archive.objects.filter(pk=second.pk).exists()
