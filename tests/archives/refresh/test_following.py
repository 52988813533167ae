"""The index follows an Orthanc that others write into; tests/peers holds the real one to the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.archives import receiving, refreshing, services, tasks
from apps.archives.models import Archive, Instance, RemoteServer, Series, Study
from apps.archives.services import IncomingFile, refresh, store_files
from apps.archives.verification import verify
from apps.audit.models import Entry
from apps.integrations.dicomweb import orthanc
from apps.projects.models import Project
from tests.archives.dicom_files import changed
from tests.archives.refresh.conftest import counts, fetched_again, put
from tests.archives.sides import Remote
from tests.dicom import ct_series


def test_what_others_stored_comes_into_the_index(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    put(remote, *ct_series(tmp_path / "1", slices=3).paths)
    assert refresh(archive)
    assert counts() == (1, 1, 1, 3)
    put(remote, *ct_series(tmp_path / "2", slices=2).paths)
    assert refresh(archive)
    assert counts() == (1, 2, 2, 5)
    assert list(verify(archive)) == []
    server = RemoteServer.objects.get(archive=archive)
    assert server.last_seen_at is not None
    assert server.unreachable_since is None


def test_twice_is_once_and_asks_for_no_object_again(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(remote, *ct_series(tmp_path / "1", slices=2).paths)
    refresh(archive)
    store_files(archive, [IncomingFile(path) for path in ct_series(tmp_path / "2", slices=2).paths], by=None)
    before = Study.objects.order_by("pk").values_list()
    monkeypatch.setattr(receiving, "_downloaded", fetched_again)
    expected = list(before)
    assert refresh(archive)
    assert refresh(archive)
    assert list(before.all()) == expected


def test_an_archive_that_was_full_before_is_taken_in(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    names = put(remote, *ct_series(tmp_path / "1", slices=4).paths)
    remote.api.delete(names[0])
    assert refresh(archive)
    assert counts() == (1, 1, 1, 3)


def test_objects_are_removed_by_their_uid_and_twice_is_once(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "1", slices=3)
    put(remote, *series.paths)
    refresh(archive)
    for _ in range(2):
        services.remove(archive, series.sop_instance_uids[:2])
        assert counts() == (1, 1, 1, 1)
        assert remote.count() == 1
    assert Instance.objects.get().sop_instance_uid == series.sop_instance_uids[2]


def test_what_is_removed_leaves_the_index(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    first, second = ct_series(tmp_path / "1", slices=3), ct_series(tmp_path / "2", slices=2, patient_id="TEST-2")
    names = put(remote, *first.paths)
    others = put(remote, *second.paths)
    refresh(archive)
    tasks.rebuild_metadata(Series.objects.get(series_instance_uid=first.series_instance_uid).pk)
    remote.api.delete(names[1])
    assert refresh(archive)
    study = Study.objects.get(study_instance_uid=first.study_instance_uid)
    size = first.paths[0].stat().st_size + first.paths[2].stat().st_size
    assert (study.instance_count, study.size_bytes, study.series_count) == (2, size, 1)
    series = study.series.get()
    assert (series.instance_count, series.size_bytes, series.is_metadata_stale) == (2, size, True)
    for name in others:
        remote.api.delete(name)
    assert refresh(archive)
    assert counts() == (1, 1, 1, 2)
    removed = Entry.objects.filter(action="images.removed").order_by("pk")
    assert [entry.detail["instances"] for entry in removed] == [1, 2]


def test_everything_may_be_removed(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    names = put(remote, *ct_series(tmp_path / "1", slices=2).paths)
    refresh(archive)
    for name in names:
        remote.api.delete(name)
    assert refresh(archive)
    assert counts() == (0, 0, 0, 0)
    put(remote, *ct_series(tmp_path / "2", slices=1).paths)
    assert refresh(archive)
    assert counts() == (1, 1, 1, 1)


def test_an_object_that_was_replaced_is_found_when_it_is_read(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    (path,) = ct_series(tmp_path / "1", slices=1).paths
    (name,) = put(remote, path)
    refresh(archive)
    other = changed(path, tmp_path / "other.dcm", SeriesDescription="Something else")
    remote.api.delete(name)
    put(remote, other)
    assert refresh(archive)
    instance = Instance.objects.select_related("archive", "series__study").get()
    with pytest.raises(services.ObjectUnavailable), services.fetch(instance):
        pass
    tasks.reread(instance.pk)
    tasks.reread(instance.pk)
    renewed = Instance.objects.select_related("archive", "series__study").get()
    with services.fetch(renewed) as file:
        assert file.read_bytes() == other.read_bytes()
    assert list(verify(archive)) == []


def test_a_long_change_log_is_read_page_by_page(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(archive)
    monkeypatch.setattr(orthanc, "CHANGES_PER_PAGE", 3)
    monkeypatch.setattr(orthanc, "IDS_PER_PAGE", 2)
    put(remote, *ct_series(tmp_path / "1", slices=5).paths)
    compared = []
    monkeypatch.setattr(refreshing._Refresh, "_compare_all", lambda _: compared.append(1))
    assert refresh(archive)
    assert Instance.objects.count() == 5
    assert not compared


def test_a_built_in_archive_is_always_as_it_is(project: Project) -> None:
    archive = services.ensure_archive(project)
    assert refresh(archive)


def test_due_archives_are_rung_for(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(services, "ring", lambda name, pk: rung.append((name, pk)))
    tasks.refresh()
    assert rung == [("archives.refresh_one", archive.pk)]
    RemoteServer.objects.update(refresh_due_at=timezone.now() + timedelta(hours=1))
    tasks.refresh()
    assert len(rung) == 1
    tasks.refresh_one(archive.pk)
    tasks.refresh_one(0)
