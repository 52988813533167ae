"""The rebuild of an index is killed at any of its lines: nothing is lost, readers see all, and the next one ends it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from apps.archives import metadata_files
from apps.archives.mending import mend
from apps.archives.models import Archive, Instance, Series, Study
from apps.archives.static_archive import StaticArchive
from apps.archives.verification import unindexed_files, verify
from tests.archives.dicomweb import Service, body_of, place
from tests.dicom import WrittenSeries, ct_series
from tests.killing import exit_of_child, lines_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240), pytest.mark.django_db(transaction=True)]
FILES = ("archives/mending.py", "archives/metadata_files.py", "archives/removal.py", "archives/static/objects.py")
KILLS = 8


def rebuild(archive: Archive, *, last: int | None = None) -> int:
    """Rebuilds, and kills the process before the line of that number; how many lines there were."""
    return lines_of(lambda: list(mend(archive)), FILES, last=last)


@pytest.fixture
def spoilt(service: Service, archive: Archive, tmp_path: Path) -> Iterator[list[WrittenSeries]]:
    """Two series, one with a damaged metadata file, one that changed since; all their counts are wrong."""
    written = [ct_series(tmp_path / str(number), slices=3) for number in range(2)]
    service.store_files([path for one in written for path in one.paths])
    spoil(archive)
    yield written
    connection.close()


def spoil(archive: Archive) -> None:
    first, second = Series.objects.filter(archive=archive).select_related("study").order_by("pk")
    metadata_files.write(first)
    metadata_files.file_of(first, first.metadata_version).write_bytes(b"\x1f\x8bhalf")
    Series.objects.filter(pk=second.pk).update(metadata_version=second.metadata_version + 1)
    Series.objects.update(instance_count=1, size_bytes=0)
    Study.objects.update(series_count=7, instance_count=0, size_bytes=0)


def test_a_rebuild_that_is_killed_loses_nothing(
    service: Service, archive: Archive, spoilt: list[WrittenSeries]
) -> None:
    steps = rebuild(archive)
    assert steps > 100
    for last in range(1, steps, steps // KILLS):
        spoil(archive)
        assert exit_of_child(lambda last=last: rebuild(archive, last=last)) == -signal.SIGKILL
        assert Instance.objects.count() == 6
        assert list(verify(archive)) == []
        assert unindexed_files(archive) == []
        second = spoilt[1]
        assert len(service.search(f"{place(second)}/instances")) == 3
        assert body_of(service.get(f"{place(second)}/metadata")).count(b'"00080018"') == 3
        list(mend(archive))
        assert_right(archive)


def assert_right(archive: Archive) -> None:
    assert list(mend(archive)) == []
    for series in Series.objects.select_related("study"):
        assert series.instance_count == 3
        assert not series.is_metadata_stale
        assert metadata_files.is_right(series)
    assert set(Study.objects.values_list("series_count", "instance_count")) == {(1, 3)}
    store = StaticArchive(archive.pk)
    store.sweep(older_than_seconds=-1)
    assert [path.name for path in (store.root / "incoming").iterdir()] == []
