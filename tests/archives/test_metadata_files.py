"""The metadata file of a series: written late, twice or at once, it never shows anything but what the rows say."""

import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import metadata_files, tasks
from apps.archives.models import Archive, Series
from apps.archives.services import IncomingFile, rebuild_metadata, store_files
from tests.archives.dicomweb import Service, body_of
from tests.dicom import WrittenSeries, ct_series


@pytest.fixture
def written(archive: Archive, alice: User, tmp_path: Path) -> WrittenSeries:
    series = ct_series(tmp_path / "source", slices=4)
    store_files(archive, [IncomingFile(path) for path in series.paths[:3]], by=alice)
    return series


def store_last(archive: Archive, written: WrittenSeries, by: User) -> None:
    store_files(archive, [IncomingFile(written.paths[3])], by=by)


def metadata(archive: Archive) -> list[str]:
    """SOPInstanceUIDs in the metadata of the series."""
    objects = map(json.loads, metadata_files.read(Series.objects.select_related("study").get()))
    return [found["00080018"]["Value"][0] for found in objects]


def files(archive: Archive, settings: Settings) -> list[Path]:
    return sorted((settings.ARCHIVES_DIR / str(archive.pk)).rglob("metadata-*.json.gz"))


def series() -> Series:
    return Series.objects.select_related("study").get()


def test_rows_answer_until_the_file_is_written(
    archive: Archive, alice: User, written: WrittenSeries, settings: Settings
) -> None:
    assert metadata(archive) == list(written.sop_instance_uids[:3])
    tasks.rebuild_metadata(series().pk)
    assert not series().is_metadata_stale
    assert len(files(archive, settings)) == 1
    assert metadata(archive) == list(written.sop_instance_uids[:3])
    store_last(archive, written, alice)
    assert series().is_metadata_stale
    assert metadata(archive) == list(written.sop_instance_uids)


def test_a_growing_series_is_not_written_with_each_image(
    archive: Archive, alice: User, written: WrittenSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.rebuild_metadata(series().pk)
    store_last(archive, written, alice)
    tasks.rebuild_metadata(series().pk)
    tasks.sweep()
    assert series().is_metadata_stale
    monkeypatch.setattr(metadata_files, "REST_SECONDS", 0)
    tasks.sweep()
    assert not series().is_metadata_stale


def test_twice_is_once(archive: Archive, written: WrittenSeries, settings: Settings) -> None:
    stale = series()
    rebuild_metadata(stale)
    rebuild_metadata(stale)
    rebuild_metadata(series())
    assert len(files(archive, settings)) == 1
    assert metadata(archive) == list(written.sop_instance_uids[:3])


@pytest.mark.race
def test_a_slow_writer_does_not_undo_a_later_one(
    archive: Archive, alice: User, written: WrittenSeries, settings: Settings
) -> None:
    slow = series()
    store_last(archive, written, alice)
    rebuild_metadata(series())
    rebuild_metadata(slow)
    assert not series().is_metadata_stale
    assert len(files(archive, settings)) == 1
    assert metadata(archive) == list(written.sop_instance_uids)


@pytest.mark.faults
def test_a_lost_file_is_replaced_by_the_rows(archive: Archive, written: WrittenSeries, settings: Settings) -> None:
    rebuild_metadata(series())
    files(archive, settings)[0].unlink()
    assert metadata(archive) == list(written.sop_instance_uids[:3])


def test_the_door_gives_the_same_from_rows_and_file(service: Service, written: WrittenSeries) -> None:
    address = f"studies/{written.study_instance_uid}/series/{written.series_instance_uid}/metadata"
    from_rows = body_of(service.get(address))
    rebuild_metadata(series())
    assert body_of(service.get(address)) == from_rows
    assert len(json.loads(from_rows)) == 3
