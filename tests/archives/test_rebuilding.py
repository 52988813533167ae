"""`manage.py archive rebuild`: the index is made anew from the files, and nothing is worse when it is killed."""

import signal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.archives import metadata_files
from apps.archives.models import Archive, Instance, Patient, Series, Study
from apps.archives.rebuilding import rebuild
from apps.archives.services import IncomingFile, store_files, sweep
from apps.archives.verification import verify
from tests.archives.dicom_files import path_of
from tests.archives.test_archive_command import run
from tests.dicom import WrittenSeries, ct_series
from tests.killing import exit_of_child, lines_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FILES = ("archives/rebuilding.py", "archives/metadata_files.py")
KILLS = 8
WHOLE = "Archive images: read 6 objects; the index of 0 is made anew.\n"


@pytest.fixture
def written(archive: Archive, alice: User, tmp_path: Path) -> list[WrittenSeries]:
    """Two series of one study."""
    first = ct_series(tmp_path / "first", slices=3)
    second = ct_series(tmp_path / "second", slices=3, study_instance_uid=first.study_instance_uid)
    for series in (first, second):
        store_files(archive, [IncomingFile(path) for path in series.paths], by=alice)
    run("rebuild", "cardiac-mr")
    return [first, second]


def rows() -> dict[str, list[dict[str, Any]]]:
    """All that the index says, but for when and how often it was written."""
    passing = {"updated_at", "metadata_version", "metadata_file_version", "metadata_written_at"}
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in passing}
            for row in model.objects.order_by("pk").values()
        ]
        for model in (Patient, Study, Series, Instance)
    }


def damage() -> None:
    """The rows say something else than the files, or nothing at all."""
    Instance.objects.filter(pk=Instance.objects.order_by("pk")[0].pk).update(metadata=b"no gzip", rows=7)
    Instance.objects.filter(pk=Instance.objects.order_by("pk")[4].pk).update(frames=b"", attributes="{")
    Series.objects.update(series_description="", attributes={})
    Study.objects.update(study_description="wrong", attributes={}, modalities="US")


@pytest.mark.django_db
def test_a_row_that_cannot_be_read_is_named_and_made_anew(written: list[WrittenSeries]) -> None:
    before = rows()
    assert run("rebuild", "cardiac-mr") == (WHOLE, "")
    damage()
    _, err = run("verify", "cardiac-mr")
    assert err.count("its row in the index cannot be read; `archive rebuild` makes it anew") == 2
    assert "2 of its objects" in err
    out, err = run("rebuild", "cardiac-mr")
    assert (out, err) == (WHOLE.replace(" 0 ", " 3 "), "")
    assert rows() == before
    assert run("verify", "cardiac-mr") == ("Archive images: all 6 objects are there, unchanged.\n", "")
    assert run("rebuild", "cardiac-mr") == (WHOLE, "")


@pytest.mark.django_db
def test_a_patient_is_as_the_first_study_says(written: list[WrittenSeries], archive: Archive) -> None:
    before = rows()
    Patient.objects.update(patient_name="Somebody^Else")
    assert "the index of 1 is made anew" in run("rebuild", "cardiac-mr")[0]
    assert rows() == before
    Patient.objects.update(patient_id="ANOTHER")
    run("rebuild", "cardiac-mr")
    after = rows()
    assert [{**row, "id": 0} for row in after["Patient"]] == [{**row, "id": 0} for row in before["Patient"]]
    assert Study.objects.get().patient == Patient.objects.get()


@pytest.mark.django_db
def test_a_file_that_is_missing_or_changed_leaves_its_row(written: list[WrittenSeries], archive: Archive) -> None:
    before = rows()
    missing, changed, *_ = map(path_of, Instance.objects.select_related("series__study").order_by("pk"))
    missing.unlink()
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    out, err = run("rebuild", "cardiac-mr")
    assert "read 6 objects; the index of 0" in out
    assert "lost this object" in err
    assert "have changed since it was stored" in err
    assert "the index of 2 of its objects stays as it was" in err
    assert rows() == before


@pytest.mark.django_db
def test_a_damaged_row_ends_no_sweep(written: list[WrittenSeries]) -> None:
    damage()
    Series.objects.update(metadata_version=9, metadata_written_at=None)
    sweep()
    assert Series.objects.filter(metadata_file_version=9).count() == 1
    run("rebuild", "cardiac-mr")
    sweep()
    assert all(metadata_files.is_right(series) for series in Series.objects.select_related("study"))


@pytest.mark.django_db(transaction=True)
def test_killed_anywhere_it_has_harmed_nothing_and_again_it_ends(
    written: list[WrittenSeries], archive: Archive
) -> None:
    before = rows()
    damage()
    lines = lines_of(lambda: list(rebuild(archive)), FILES)
    assert rows() == before
    for kill in range(KILLS):
        damage()
        last = 1 + kill * (lines - 1) // KILLS
        work = lambda last=last: lines_of(lambda: list(rebuild(archive)), FILES, last=last)  # noqa: E731
        assert exit_of_child(work) == -signal.SIGKILL
        connection.close()
        assert Instance.objects.count() == 6
        list(rebuild(archive))
        assert rows() == before
        assert list(verify(archive)) == []
