"""The index follows an Orthanc that others write into; tests/peers holds the real one to the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pydicom
import pytest
from django.db import connections
from django.utils import timezone
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import deposits, index, receiving, refreshing, services, tasks
from apps.archives.intake import Arrival
from apps.archives.models import Archive, Deposit, Instance, OrthancServer, Patient, Series, SkippedObject, Study
from apps.archives.remote_archive import RemoteArchive
from apps.archives.services import IncomingFile, refresh, store_files
from apps.archives.static.pool import PoolBusy
from apps.archives.verification import verify
from apps.audit.models import Entry
from apps.integrations.dicomweb import orthanc
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.sides import Remote, at_twin
from tests.archives.test_storing import changed
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.orthanc import PASSWORD, USERNAME, name_of, running_twin


@pytest.fixture
def remote(project: Project, tmp_path: Path, settings: Settings) -> Iterator[Remote]:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    with at_twin(project) as side:
        yield side


@pytest.fixture
def archive(remote: Remote) -> Archive:
    return remote.archive


def counts() -> tuple[int, int, int, int]:
    return Patient.objects.count(), Study.objects.count(), Series.objects.count(), Instance.objects.count()


def put(remote: Remote, *paths: Path) -> list[str]:
    """As another program does."""
    return [remote.api.store(path).orthanc_id for path in paths]


def test_what_others_stored_comes_into_the_index(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    put(remote, *ct_series(tmp_path / "1", slices=3).paths)
    assert refresh(archive)
    assert counts() == (1, 1, 1, 3)
    put(remote, *ct_series(tmp_path / "2", slices=2).paths)
    assert refresh(archive)
    assert counts() == (1, 2, 2, 5)
    assert list(verify(archive)) == []
    server = OrthancServer.objects.get(archive=archive)
    assert server.last_seen_at is not None
    assert server.unreachable_since is None


def test_twice_is_once_and_asks_for_no_object_again(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(remote, *ct_series(tmp_path / "1", slices=2).paths)
    refresh(archive)
    store_files(archive, [IncomingFile(path) for path in ct_series(tmp_path / "2", slices=2).paths], by=None)
    before = Study.objects.order_by("pk").values_list()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was fetched again")

    monkeypatch.setattr(receiving, "_downloaded", never)
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


def test_a_kill_between_the_object_and_its_row_is_mended(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    paths = ct_series(tmp_path / "1", slices=2).paths
    with monkeypatch.context() as patched:
        patched.setattr(index, "add", killed)
        with pytest.raises(SystemExit):
            store_files(archive, [IncomingFile(path) for path in paths], by=None)
    assert refresh(archive)
    assert counts() == (1, 1, 1, 2)
    assert Entry.objects.filter(action="images.indexed").count() == 1
    assert list(verify(archive)) == []


def test_what_the_index_cannot_take_is_skipped_with_its_reason(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = ct_series(tmp_path / "1", slices=1).paths
    put(remote, path)
    refresh(archive)
    foreign = changed(path, tmp_path / "foreign.dcm", PatientID="OTHER", SOPInstanceUID="1.2.3.4")
    double = changed(path, tmp_path / "double.dcm", PatientID="OTHER")
    put(remote, foreign, double)
    assert refresh(archive)
    sentences = dict(SkippedObject.objects.values_list("orthanc_id", "sentence"))
    assert "another patient" in sentences[name_of(foreign.read_bytes())]
    assert "SOPInstanceUID" in sentences[name_of(double.read_bytes())]
    assert counts() == (1, 1, 1, 1)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was fetched again")

    with monkeypatch.context() as patched:
        patched.setattr(receiving, "_downloaded", never)
        assert refresh(archive)
    remote.api.delete(name_of(foreign.read_bytes()))
    assert refresh(archive)
    assert SkippedObject.objects.count() == 1


def test_what_was_skipped_is_taken_once_it_fits(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    (path,) = ct_series(tmp_path / "1", slices=1).paths
    foreign = changed(path, tmp_path / "foreign.dcm", PatientID="OTHER", SOPInstanceUID="1.2.3.4")
    (first, second) = put(remote, path, foreign)
    refresh(archive)
    assert SkippedObject.objects.get().orthanc_id == second
    remote.api.delete(first)
    remote.api.delete(second)
    put(remote, foreign)
    assert refresh(archive)
    assert SkippedObject.objects.count() == 0
    assert Patient.objects.get().patient_id == "OTHER"


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
    OrthancServer.objects.update(refresh_due_at=timezone.now() + timedelta(hours=1))
    tasks.refresh()
    assert len(rung) == 1
    tasks.refresh_one(archive.pk)
    tasks.refresh_one(0)


def test_who_stored_is_known_though_a_refresh_saw_it_first(
    archive: Archive, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = RemoteArchive.publish

    def overtaken(store: RemoteArchive, arrivals: Sequence[Arrival]) -> object:
        published = publish(store, arrivals)
        refresh(archive)
        return published

    monkeypatch.setattr(RemoteArchive, "publish", overtaken)
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
    publish = RemoteArchive.publish

    def publish_one(store: RemoteArchive, arrivals: Sequence[Arrival]) -> object:
        publish(store, arrivals[:1])
        raise services.ArchiveUnreachable("The archive does not answer.")

    monkeypatch.setattr(RemoteArchive, "publish", publish_one)
    return lambda: monkeypatch.setattr(RemoteArchive, "publish", publish)


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


@pytest.mark.attacks
def test_what_no_reader_understands_is_skipped_and_the_rest_comes_in(
    project: Project, tmp_path: Path, settings: Settings
) -> None:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    good = ct_series(tmp_path / "good", slices=2)
    bomb = pydicom.dcmread(good.paths[0])
    bomb.SOPInstanceUID = "1.2.3.4.5"
    bomb.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    bomb.PixelData = bytes(600 * 1024**2)
    bomb.save_as(tmp_path / "bomb.dcm", enforce_file_format=True)
    with running_twin() as twin:
        archive = services.ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password=PASSWORD)
        refresh(archive)
        for body in ((tmp_path / "bomb.dcm").read_bytes(), *(path.read_bytes() for path in good.paths)):
            twin.put(body)
        twin.objects[name_of(good.paths[1].read_bytes())] = b"junk"
        assert refresh(archive)
    assert Instance.objects.get().sop_instance_uid == good.sop_instance_uids[0]
    sentences = sorted(SkippedObject.objects.values_list("sentence", flat=True))
    assert len(sentences) == 2
    assert any("512 MiB" in sentence for sentence in sentences)
