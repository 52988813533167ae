"""Who stored an image is known and audited once, whatever happens on its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.archives import deposits, services
from apps.archives.intake import Arrival
from apps.archives.models import Archive, Deposit
from apps.archives.orthanc_archive import OrthancArchive
from apps.archives.services import IncomingFile, refresh, store_files
from apps.audit.models import Entry
from tests.archives.refresh.conftest import counts
from tests.dicom import ct_series


def test_who_stored_is_known_though_a_refresh_saw_it_first(
    archive: Archive, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = OrthancArchive.publish

    def overtaken(store: OrthancArchive, arrivals: Sequence[Arrival]) -> object:
        published = publish(store, arrivals)
        refresh(archive)
        return published

    monkeypatch.setattr(OrthancArchive, "publish", overtaken)
    store_files(archive, [IncomingFile(path) for path in ct_series(tmp_path / "1", slices=2).paths], by=alice)
    assert counts() == (1, 1, 1, 2)
    assert who_stored() == [(alice.pk, 2)]
    assert not Deposit.objects.exists()


def who_stored() -> list[tuple[int | None, int]]:
    """Whoever is audited for images that the portal has stored, and how many each time."""
    entries = Entry.objects.filter(action__in=("images.stored", "images.indexed")).order_by("pk")
    return [(entry.actor_pk, entry.detail["instances"]) for entry in entries]


@pytest.fixture
def breaks_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The server goes away once it has taken the first object of an upload; called, it is back."""
    publish = OrthancArchive.publish

    def publish_one(store: OrthancArchive, arrivals: Sequence[Arrival]) -> object:
        publish(store, arrivals[:1])
        raise services.ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr(OrthancArchive, "publish", publish_one)
    return lambda: monkeypatch.setattr(OrthancArchive, "publish", publish)


@pytest.mark.parametrize("is_tried_again", [False, True], ids=["never again", "again"])
def test_who_stored_is_known_though_the_upload_broke_off(
    archive: Archive, alice: User, tmp_path: Path, breaks_off: Callable[[], None], is_tried_again: bool
) -> None:
    files = [IncomingFile(path) for path in ct_series(tmp_path / "1", slices=2).paths]
    with pytest.raises(services.ArchiveUnreachable):
        store_files(archive, files, by=alice)
    assert who_stored() == []
    breaks_off()
    refresh(archive)
    assert who_stored() == [(alice.pk, 1)]
    if is_tried_again:
        store_files(archive, files, by=alice)
        refresh(archive)
        assert who_stored() == [(alice.pk, 1), (alice.pk, 1)]
        assert counts() == (1, 1, 1, 2)
    assert Deposit.objects.count() == (0 if is_tried_again else 1)
    services.sweep()
    Deposit.objects.update(announced_at=timezone.now() - deposits.KEPT)
    services.sweep()
    assert not Deposit.objects.exists()


def test_who_tries_again_before_anybody_looked_has_stored(
    archive: Archive, alice: User, bob: User, tmp_path: Path, breaks_off: Callable[[], None]
) -> None:
    files = [IncomingFile(path) for path in ct_series(tmp_path / "1", slices=2).paths]
    with pytest.raises(services.ArchiveUnreachable):
        store_files(archive, files, by=alice)
    breaks_off()
    store_files(archive, files, by=bob)
    refresh(archive)
    assert who_stored() == [(bob.pk, 2)]
    assert not Deposit.objects.exists()
