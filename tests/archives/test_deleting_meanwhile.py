"""What is stored, deleted, compared and exported in the same moment ends as stored or as deleted, never half."""

from __future__ import annotations

import hashlib
import itertools
import random
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.archives import deleting, intake, storing
from apps.archives.intake import Arrival, IncomingFile
from apps.archives.mending import mend
from apps.archives.models import Archive, Deletion, Instance, Series, Study
from apps.archives.rebuilding import rebuild
from apps.archives.static_archive import StaticArchive
from apps.archives.static_export import exporting
from apps.archives.static_export.folder import FolderTarget
from apps.archives.static_export.resources import Resource
from apps.archives.storing import store_files
from apps.archives.verification import unindexed_files, verify
from tests.archives.dicom_files import changed
from tests.dicom import WrittenSeries, ct_series
from tests.racing import at_once

pytestmark = [pytest.mark.race, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
ROUNDS = 300
FILES = tuple(
    f"archives/{name}.py"
    for name in (
        "deleting", "exports", "mending", "metadata_files", "rebuilding", "removal", "static/objects", "static_archive",
        "static_export/exporting", "storing", "verification",
    )
)  # fmt: skip


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "source", slices=3)


@pytest.fixture
def files(series: WrittenSeries, monkeypatch: pytest.MonkeyPatch) -> list[IncomingFile]:
    """Those of the series; they are read once, so that what comes after meets the more often."""
    files = [IncomingFile(path) for path in series.paths]
    read = {one.file.path: one for one in intake.read_all(files) if isinstance(one, Arrival)}
    monkeypatch.setattr(storing, "read_all", lambda asked: [read[file.path] for file in asked])
    return files


@pytest.fixture
def _restless() -> Iterator[None]:
    """Threads take turns all the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def delete_all(archive: Archive, by: User) -> None:
    for study in Study.objects.filter(archive=archive).select_related("archive"):
        deleting.delete(study, by=by)


def delete_series(archive: Archive, by: User) -> None:
    for series in Series.objects.filter(archive=archive).select_related("archive", "study"):
        deleting.delete(series, by=by)


def delete_objects(archive: Archive, by: User) -> None:
    for instance in Instance.objects.filter(archive=archive).select_related("archive", "series__study"):
        deleting.delete(instance, by=by)


def assert_whole(archive: Archive) -> None:
    assert list(verify(archive)) == []
    assert unindexed_files(archive) == []
    assert not Deletion.objects.exists()
    assert Study.objects.filter(instance_count=0).count() == 0
    assert sum(Study.objects.values_list("instance_count", flat=True)) == Instance.objects.count()
    if not Instance.objects.exists():
        # Metadata files neither.
        assert [path for path in (StaticArchive(archive.pk).root / "objects").rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("_restless")
@pytest.mark.parametrize("delete", [delete_all, delete_series, delete_objects])
def test_storing_and_deleting_at_once_leave_nothing_half(
    archive: Archive, alice: User, files: list[IncomingFile], delete: Callable[[Archive, User], None]
) -> None:
    chance = random.Random(delete.__name__)
    for _ in range(ROUNDS // 3):
        works: list[Callable[[], object]] = [
            *(lambda: store_files(archive, files, by=alice) for _ in range(chance.choice([1, 2]))),
            *(lambda: delete(archive, alice) for _ in range(chance.choice([1, 2]))),
            deleting.finish_all,
        ]
        chance.shuffle(works)
        at_once(*works)
        assert_whole(archive)
        if chance.random() < 0.5:
            # What is acknowledged is there, whatever went on before.
            assert not any(result.is_refused for result in store_files(archive, files, by=alice))
            assert Instance.objects.count() == len(files)
            assert_whole(archive)


class Meanwhile:
    """Has something else done, from beginning to end, before one line of some work."""

    def __init__(self, other: Callable[[], object], line: int) -> None:
        self._other = other
        self._left = line

    def during(self, work: Callable[[], object]) -> bool:
        """Whether the work has come so far. Lines at which others wait for its transaction do not count."""
        sys.settrace(self._trace)
        try:
            work()
        finally:
            sys.settrace(None)
        return self._left <= 0

    def _trace(self, frame: FrameType, event: str, _: object) -> object:
        if not frame.f_code.co_filename.endswith(FILES):
            return None
        if event == "line" and not connection.in_atomic_block:
            self._left -= 1
            if not self._left:
                at_once(self._other)
        return self._trace


def store(archive: Archive, by: User, files: list[IncomingFile]) -> None:
    assert not any(result.is_refused for result in store_files(archive, files, by=by))


def delete(archive: Archive, by: User, files: list[IncomingFile]) -> None:
    delete_all(archive, by)


def compare(archive: Archive, by: User, files: list[IncomingFile]) -> None:
    assert list(verify(archive)) == []
    assert unindexed_files(archive) == []


def mend_all(archive: Archive, by: User, files: list[IncomingFile]) -> None:
    list(mend(archive))


def rebuild_all(archive: Archive, by: User, files: list[IncomingFile]) -> None:
    assert [fault for rebuilt in rebuild(archive) for fault in rebuilt.faults] == []


def export(archive: Archive, by: User, files: list[IncomingFile]) -> None:
    target = FolderTarget(files[0].path.parent.parent / "export")
    assert exporting.export(archive, target, tell=lambda progress: None).faults == []


CASES = {
    "storing anew": (False, store, delete),
    "storing again": (True, store, delete),
    "deleting and storing": (True, delete, store),
    "deleting twice": (True, delete, delete),
    "comparing": (True, compare, delete),
    "mending": (True, mend_all, delete),
    "rebuilding": (True, rebuild_all, delete),
    "exporting": (True, export, delete),
}


@pytest.mark.parametrize("case", CASES)
def test_before_any_line_of_one_the_other_may_happen(
    archive: Archive, alice: User, files: list[IncomingFile], case: str
) -> None:
    is_there, work, other = CASES[case]
    for line in itertools.count(1, 4 if work in (mend_all, rebuild_all, export) else 1):
        delete_all(archive, alice)
        if is_there:
            store(archive, alice, files)
        meanwhile = Meanwhile(lambda: other(archive, alice, files), line)
        if not meanwhile.during(lambda: work(archive, alice, files)):
            break
        assert_whole(archive)
        assert Instance.objects.count() in (0, len(files))
    assert line > 10


def test_what_is_refused_is_not_taken_back_from_whom_it_is_taken(
    archive: Archive, alice: User, series: WrittenSeries, tmp_path: Path
) -> None:
    first = [IncomingFile(series.paths[0])]
    other = [IncomingFile(changed(series.paths[0], tmp_path / "other.dcm", SeriesDescription="Another"))]

    def replace() -> None:
        delete_all(archive, alice)
        store(archive, alice, other)

    for line in itertools.count(1):
        delete_all(archive, alice)
        store(archive, alice, first)
        if not Meanwhile(replace, line).during(lambda: store_files(archive, other, by=alice)):
            break
        assert_whole(archive)
        assert Instance.objects.get().sha256 == hashlib.sha256(other[0].path.read_bytes()).hexdigest()
    assert line > 10


class DeletingTarget(FolderTarget):
    """Has all of an archive deleted as soon as the first file is there."""

    def __init__(self, root: Path, delete: Callable[[], None]) -> None:
        super().__init__(root)
        self._lock, self._delete = threading.Lock(), delete
        self._is_deleted = False

    def put(self, resource: Resource) -> None:
        super().put(resource)
        with self._lock:
            if not self._is_deleted:
                self._delete()
            self._is_deleted = True


def test_what_is_deleted_while_it_is_exported_is_no_fault_and_goes_with_the_next_export(
    archive: Archive, alice: User, files: list[IncomingFile], tmp_path: Path
) -> None:
    store(archive, alice, files)
    target = DeletingTarget(tmp_path / "export", lambda: delete_all(archive, alice))
    assert exporting.export(archive, target, tell=lambda progress: None).faults == []
    export(archive, alice, files)
    assert list((tmp_path / "export" / "studies").glob("*")) == []
    store(archive, alice, files)
    assert exporting.export(archive, target, tell=lambda progress: None).written == len(files)
