"""A deletion is killed at any of its lines: each object is there as a whole, or goes for good with the next sweep."""

import signal
from pathlib import Path

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.archives import deleting, services
from apps.archives.models import Archive, Deletion, Instance, Study
from apps.archives.static_archive import StaticArchive
from apps.archives.verification import unindexed_files, verify
from apps.audit.models import Entry
from tests.archives.dicomweb import Service
from tests.dicom import WrittenSeries, ct_series
from tests.killing import exit_of_child, lines_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
FILES = ("archives/deleting.py", "archives/removal.py", "archives/locking.py", "archives/static_archive.py")
OBJECTS = 4


def delete(by: User, *, last: int | None = None) -> int:
    """Deletes the study, and kills the process before the line of that number; how many lines there were."""
    study = Study.objects.select_related("archive").get()
    return lines_of(lambda: deleting.delete(study, by=by), FILES, last=last)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[WrittenSeries]:
    """A study of two series, to be deleted in several steps."""
    monkeypatch.setattr(deleting, "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr("apps.archives.static_archive._PURGED_AT_ONCE", 2)
    first = ct_series(tmp_path / "first", slices=OBJECTS // 2)
    second = ct_series(tmp_path / "second", slices=OBJECTS // 2, study_instance_uid=first.study_instance_uid)
    return [first, second]


def test_a_deletion_that_is_killed_leaves_nothing_half_and_is_ended_by_the_sweep(
    service: Service, archive: Archive, alice: User, written: list[WrittenSeries]
) -> None:
    paths = [path for one in written for path in one.paths]
    service.store_files(paths)
    lines = delete(alice)
    assert lines > 60
    for last in range(1, lines + 1, 2):
        service.store_files(paths)
        assert exit_of_child(lambda last=last: delete(alice, last=last)) == -signal.SIGKILL
        connection.close()
        asked, left = Deletion.objects.exists(), Instance.objects.count()
        assert list(verify(archive)) == []
        assert unindexed_files(archive) == []
        assert asked or left in (0, OBJECTS)
        assert len(service.search("instances")) == left
        services.sweep()
        assert Instance.objects.count() == (0 if asked else left)
        assert len(list(StaticArchive(archive.pk).object_files())) == Instance.objects.count()
        assert not Deletion.objects.exists()
    assert {entry.actor_pk for entry in Entry.objects.filter(action="images.deleted")} == {alice.pk}


def test_what_is_stored_after_a_killed_deletion_stays(
    service: Service, archive: Archive, alice: User, written: list[WrittenSeries]
) -> None:
    paths = [path for one in written for path in one.paths]
    service.store_files(paths)
    steps = delete(alice)
    for last in range(1, steps, steps // 12):
        service.store_files(paths)
        assert exit_of_child(lambda last=last: delete(alice, last=last)) == -signal.SIGKILL
        connection.close()
        service.store_files(paths)
        deleting.finish_all()
        assert Instance.objects.count() == OBJECTS
        assert list(verify(archive)) == []
        assert unindexed_files(archive) == []
