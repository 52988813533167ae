"""A refresh that is killed, stopped in time, put off or run beside another loses and doubles nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from apps.archives import index, receiving, services
from apps.archives.following import follow
from apps.archives.mending import mend
from apps.archives.models import Archive, Instance, SkippedObject, Study
from apps.archives.services import IncomingFile, refresh, store_files
from apps.archives.static.pool import PoolBusy
from apps.archives.verification import verify
from apps.audit.models import Entry
from tests.archives.refresh.conftest import counts, put
from tests.archives.sides import Remote
from tests.dicom import WrittenSeries, ct_series
from tests.killing import die, is_killed, lines_of

FILES = ("archives/refreshing.py", "archives/receiving.py", "archives/removal.py", "archives/index.py")
KILLS = 8


@pytest.mark.django_db(transaction=True)
def test_a_kill_between_the_object_and_its_row_is_mended(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ct_series(tmp_path / "1", slices=2).paths
    with monkeypatch.context() as patched:
        patched.setattr(index, "add", die)
        assert is_killed(lambda: store_files(archive, [IncomingFile(path) for path in paths], by=None))
    assert refresh(archive)
    assert counts() == (1, 1, 1, 2)
    assert Entry.objects.filter(action="images.indexed").count() == 1
    assert list(verify(archive)) == []


@pytest.mark.faults
@pytest.mark.timeout(240)
@pytest.mark.django_db(transaction=True)
def test_killed_at_any_of_its_lines_the_next_one_ends_it(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BATCH_FILES", 2)
    before = put(remote, *ct_series(tmp_path / "0", slices=4).paths)
    lines = lines_of(lambda: follow(archive), FILES)
    for kill in range(KILLS):
        put(remote, *ct_series(tmp_path / str(kill + 1), slices=4).paths)
        for gone in before[:2]:
            remote.api.delete(gone)
        before = list(remote.api.orthanc_ids())
        last = 1 + kill * lines // KILLS
        assert is_killed(lambda last=last: lines_of(lambda: follow(archive), FILES, last=last))
        assert follow(archive)
        assert set(Instance.objects.values_list("remote_name", flat=True)) == set(before)
        assert list(verify(archive)) == []
        assert list(mend(archive)) == []


def test_it_stops_in_time_and_goes_on_later(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    put(remote, *ct_series(tmp_path / "1", slices=5).paths)
    monkeypatch.setattr(receiving, "BATCH_FILES", 2)
    settings.CLAIM_SECONDS = 0
    assert not refresh(archive)
    assert 0 < Instance.objects.count() < 5
    settings.CLAIM_SECONDS = 60
    assert refresh(archive)
    assert Instance.objects.count() == 5


def test_busy_readers_put_it_off_and_lose_nothing(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(archive)
    put(remote, *ct_series(tmp_path / "1", slices=2).paths)

    def busy(*_: object, **__: object) -> None:
        raise PoolBusy

    with monkeypatch.context() as patched:
        patched.setattr(receiving, "read_all", busy)
        assert not refresh(archive)
    assert Instance.objects.count() == 0
    assert refresh(archive)
    assert Instance.objects.count() == 2


def test_only_one_at_a_time_is_at_it(archive: Archive) -> None:
    with services.lease(f"archives.refresh.{archive.pk}") as had:
        assert had
        assert not refresh(archive)
    assert refresh(archive)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_storing_and_refreshing_at_once_lose_and_double_nothing(
    archive: Archive, remote: Remote, tmp_path: Path
) -> None:
    series = [ct_series(tmp_path / str(number), slices=3) for number in range(4)]
    foreign = ct_series(tmp_path / "foreign", slices=3)

    def store(one: WrittenSeries) -> None:
        try:
            store_files(archive, [IncomingFile(path) for path in one.paths], by=None)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        storing = [threads.submit(store, one) for one in series]
        put(remote, *foreign.paths)
        while not all(future.done() for future in storing):
            refresh(archive)
        for future in storing:
            future.result()
    assert refresh(archive)
    assert Instance.objects.count() == 15
    assert set(Study.objects.values_list("instance_count", "series_count")) == {(3, 1)}
    assert SkippedObject.objects.count() == 0
    assert list(verify(archive)) == []
