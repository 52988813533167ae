"""One suite for every side of the port of archives; tests/peers holds the real Orthanc to it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import generate_frames
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.archives import index, services
from apps.archives.models import Archive, Instance, Study
from apps.archives.services import (
    FailureReason,
    FileRefused,
    IncomingFile,
    Look,
    NotInObject,
    ObjectUnavailable,
    Outcome,
    store_files,
)
from apps.archives.stores import store_of
from apps.archives.verification import verify
from apps.audit.models import Entry
from apps.projects.models import Project
from tests.archives import sides
from tests.archives.dicom_files import changed, image, packaged, save
from tests.archives.dicomweb import Service, body_of, failures, parts_of
from tests.archives.sides import Side
from tests.archives.test_overlay import segmentation
from tests.dicom import ct_series
from tests.killing import die, is_killed

pytestmark = pytest.mark.contract
SIDES = {"built-in": sides.built_in, "twin": sides.at_twin, "dicomweb": sides.at_web_twin}


@pytest.fixture(params=list(SIDES))
def side(request: pytest.FixtureRequest, project: Project, tmp_path: Path, settings: Settings) -> Iterator[Side]:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    with SIDES[request.param](project) as made:
        yield made


@pytest.fixture
def archive(side: Side) -> Archive:
    return side.archive


def stored(archive: Archive, paths: Sequence[Path], by: User | None = None) -> list[Instance]:
    results = store_files(archive, [IncomingFile(path, path.name) for path in paths], by=by)
    assert {result.outcome for result in results} == {Outcome.STORED}, results
    uids = [result.identity.sop_instance_uid for result in results if result.identity]
    rows = Instance.objects.select_related("archive", "series__study")
    found = {instance.sop_instance_uid: instance for instance in rows.filter(archive=archive)}
    return [found[uid] for uid in uids]


def bytes_of(chunks: Iterator[bytes]) -> bytes:
    return b"".join(chunks)


def test_what_is_stored_is_read_back_bit_for_bit(side: Side, archive: Archive, tmp_path: Path) -> None:
    paths = ct_series(tmp_path / "source", slices=3).paths
    for instance, path in zip(stored(archive, paths), paths, strict=True):
        assert bytes_of(store_of(archive).whole(instance).chunks) == path.read_bytes()
        with services.fetch(instance) as file:
            assert file.read_bytes() == path.read_bytes()
        assert store_of(archive).is_at_hand(instance)
    assert side.count() == 3
    assert list(verify(archive)) == []


def test_it_works_through_the_door(archive: Archive, service: Service, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=3)
    service.store_files(series.paths)
    place = f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
    assert len(service.search("studies", StudyInstanceUID=series.study_instance_uid)) == 1
    assert sorted(body for _, body in parts_of(service.get(place))) == sorted(
        path.read_bytes() for path in series.paths
    )
    frame = service.get(f"{place}/instances/{series.sop_instance_uids[0]}/frames/1")
    assert parts_of(frame)[0][1] == series.paths[0].read_bytes()[-512:]
    assert len(service.get(f"{place}/metadata").getvalue()) > 100
    assert body_of(service.get(f"{place}/rendered", "image/png")).startswith(b"\x89PNG")


def test_the_same_again_is_success_and_changes_nothing(side: Side, archive: Archive, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=2)
    stored(archive, series.paths)
    before = Study.objects.values().get()
    files = [IncomingFile(path) for path in [*series.paths, *series.paths]]
    assert {result.outcome for result in store_files(archive, files, by=None)} == {Outcome.PRESENT}
    assert Study.objects.values().get() == before
    assert side.count() == 2


def test_storing_again_mends_what_was_lost(side: Side, archive: Archive, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    (instance,) = stored(archive, series.paths)
    side.lose(instance)
    assert "missing" in next(verify(archive)) or "does not have it" in next(verify(archive))
    (result,) = store_files(archive, [IncomingFile(series.paths[0])], by=None)
    assert result.outcome is Outcome.PRESENT
    assert list(verify(archive)) == []


def test_other_bytes_under_a_known_uid_are_refused(side: Side, archive: Archive, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    stored(archive, series.paths)
    other = changed(series.paths[0], tmp_path / "other.dcm", SeriesDescription="Something else")
    (result,) = store_files(archive, [IncomingFile(other)], by=None)
    assert result.failure_reason is FailureReason.DUPLICATE_INSTANCE
    assert "SOPInstanceUID" in result.sentence
    assert side.count() == 1
    assert list(verify(archive)) == []


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"PatientID": "OTHER", "SOPInstanceUID": "1.2.3.4"}, FailureReason.DOES_NOT_MATCH),
        ({"StudyInstanceUID": "1.2.3", "SOPInstanceUID": "1.2.3.4"}, FailureReason.DOES_NOT_MATCH),
        ({"PatientID": "OTHER"}, FailureReason.DUPLICATE_INSTANCE),
    ],
)
def test_what_contradicts_the_index_leaves_nothing(
    side: Side, archive: Archive, tmp_path: Path, attributes: dict[str, str], reason: FailureReason
) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    stored(archive, series.paths)
    other = changed(series.paths[0], tmp_path / "other.dcm", **attributes)
    (result,) = store_files(archive, [IncomingFile(other)], by=None)
    assert result.failure_reason is reason
    assert side.count() == 1
    assert list(verify(archive)) == []


def test_a_file_that_cannot_be_read_never_gets_there(side: Side, service: Service, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    response = service.store([b"", series.paths[0].read_bytes(), b"PK\x03\x04 zip"])
    assert response.status_code == 202
    assert len(failures(response)) == 2
    assert side.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_kill_between_the_object_and_its_row_is_mended_by_sending_again(
    side: Side, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [IncomingFile(path) for path in ct_series(tmp_path / "source", slices=2).paths]
    with monkeypatch.context() as patched:
        patched.setattr(index, "add", die)
        assert is_killed(lambda: store_files(archive, files, by=None))
    assert (side.count(), Instance.objects.count()) == (2, 0)
    assert {result.outcome for result in store_files(archive, files, by=None)} == {Outcome.STORED}
    assert (side.count(), Instance.objects.count()) == (2, 2)
    assert list(verify(archive)) == []


def test_it_is_audited_with_its_person(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=2)
    stored(archive, series.paths, by=alice)
    entry = Entry.objects.get(action="images.stored")
    told = {"instances": 2, "study_instance_uid": series.study_instance_uid}
    assert (entry.actor_pk, entry.project_pk, entry.detail) == (alice.pk, archive.project_id, told)


def test_frames_are_as_they_are_in_the_file(archive: Archive) -> None:
    path = packaged("SC_rgb_rle_2frame.dcm")
    (instance,) = stored(archive, [path])
    dataset = pydicom.dcmread(path)
    expected = list(generate_frames(dataset.PixelData, number_of_frames=2))
    contents = store_of(archive).frames(instance, [2, 1])
    assert [bytes_of(content.chunks) for content in contents] == [expected[1], expected[0]]
    decoded = store_of(archive).decoded_frames(instance, [1, 2])
    assert b"".join(bytes_of(content.chunks) for content in decoded) == dataset.pixel_array.tobytes()
    for numbers in ([0], [3], []):
        with pytest.raises(NotInObject):
            store_of(archive).frames(instance, numbers)


def test_bulk_values_are_those_of_the_file(archive: Archive, tmp_path: Path) -> None:
    path = save(image(np.arange(64, dtype=np.uint16).reshape(8, 8)), tmp_path / "image.dcm")
    (instance,) = stored(archive, [path])
    content = store_of(archive).bulk(instance, "7FE00010")
    assert bytes_of(content.chunks) == np.arange(64, dtype=np.uint16).tobytes()
    with pytest.raises(NotInObject):
        store_of(archive).bulk(instance, "00420011")


def test_pictures_and_masks_are_drawn(archive: Archive, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=2)
    mask = np.zeros((2, 16, 16), bool)
    mask[0, 4:8, 4:8] = True
    drawn_path = segmentation([pydicom.dcmread(path) for path in series.paths], mask, tmp_path / "seg.dcm")
    first, second = stored(archive, series.paths)
    (drawn,) = stored(archive, [drawn_path])
    picture = services.render(first, 1, Look(media_type="image/png"))
    assert np.asarray(Image.open(io.BytesIO(picture.body))).shape == (16, 16)
    over = services.overlay(drawn, first)
    assert over is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(over.body)))[..., 3] == 255, mask[0])
    assert services.overlay(drawn, second) is None
    with pytest.raises(FileRefused):
        services.overlay(first, second)


def test_what_is_lost_is_said_and_nothing_else_is_handed_out(
    side: Side, archive: Archive, service: Service, tmp_path: Path
) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    (instance,) = stored(archive, series.paths)
    side.lose(instance)
    with pytest.raises(ObjectUnavailable):
        store_of(archive).frames(instance, [1])
    with pytest.raises(ObjectUnavailable), services.fetch(instance):
        pass
    place = f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
    response = service.get(f"{place}/instances/{series.sop_instance_uids[0]}/frames/1")
    assert response.status_code == 410
    assert "administrator" in response.json()["detail"]


def test_folders_of_uploads_that_died_are_swept(archive: Archive) -> None:
    folder = store_of(archive).new_folder()
    (folder / "part").write_bytes(b"rest")
    assert store_of(archive).sweep(older_than_seconds=3600) == 0
    assert store_of(archive).sweep(older_than_seconds=-1) == 1
    assert not folder.exists()
