"""Storing: what is acknowledged is there for good, once; what is refused says why and leaves nothing."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from django.db import connections
from PIL import Image

from apps.accounts.models import User
from apps.archives import index, services
from apps.archives.models import Archive, Instance, Patient, Series, Study
from apps.archives.results import FailureReason, Outcome
from apps.archives.services import IncomingFile, store_files
from apps.archives.static.refusals import FileRefused
from apps.archives.stores import store_of
from apps.archives.verification import unindexed_files, verify
from apps.audit.models import Entry
from tests.archives.dicom_files import changed, path_of
from tests.archives.dicomweb import Service, failures, parts_of, values
from tests.archives.test_overlay import segmentation
from tests.dicom import ct_series


def incoming(paths: list[Path] | tuple[Path, ...]) -> list[IncomingFile]:
    return [IncomingFile(path, path.name) for path in paths]


def test_a_series_is_stored_found_and_read_back(service: Service, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=4)
    answer = service.store_files(series.paths)
    stored = values(answer, "00081199")
    assert {values(item, "00081155")[0] for item in stored} == set(series.sop_instance_uids)
    assert "00081198" not in answer
    study = service.search("studies")[0]
    assert values(study, "0020000D") == [series.study_instance_uid]
    assert values(study, "00201208") == [4]
    place = f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
    assert len(service.search(f"{place}/instances")) == 4
    parts = parts_of(service.get(place))
    assert sorted(body for _, body in parts) == sorted(path.read_bytes() for path in series.paths)
    frame = service.get(f"{place}/instances/{series.sop_instance_uids[0]}/frames/1")
    assert parts_of(frame)[0][1] == series.paths[0].read_bytes()[-512:]


def test_rows_count_what_is_stored(archive: Archive, alice: User, tmp_path: Path) -> None:
    first = ct_series(tmp_path / "1", slices=3, seed="rows", series_name="a")
    second = ct_series(
        tmp_path / "2",
        slices=2,
        modality="MR",
        seed="rows",
        series_name="b",
        study_instance_uid=first.study_instance_uid,
    )
    for series in (first, second):
        results = store_files(archive, incoming(series.paths), by=alice)
        assert [result.outcome for result in results] == [Outcome.STORED] * len(series.paths)
    study = Study.objects.get()
    size = sum(path.stat().st_size for path in (*first.paths, *second.paths))
    assert (study.series_count, study.instance_count, study.size_bytes) == (2, 5, size)
    assert (study.modalities, study.study_date, study.patient.patient_id) == ("CT\\MR", "20260102", "TEST-1")
    assert sorted(Series.objects.values_list("modality", "instance_count")) == [("CT", 3), ("MR", 2)]
    assert all(path_of(instance).read_bytes() for instance in Instance.objects.select_related("series__study"))
    assert list(verify(archive)) == []


def test_the_same_again_changes_nothing_and_is_success(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=3)
    store_files(archive, incoming(series.paths), by=alice)
    before = Study.objects.values().get()
    again = store_files(archive, incoming([*series.paths, *series.paths]), by=alice)
    assert {result.outcome for result in again} == {Outcome.PRESENT}
    assert Study.objects.values().get() == before
    assert Instance.objects.count() == 3


def test_files_stay_with_the_caller(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=2)
    store_files(archive, incoming(series.paths), by=alice)
    assert all(path.exists() for path in series.paths)


def test_other_bytes_under_a_known_uid_are_refused(service: Service, archive: Archive, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    service.store_files(series.paths)
    other = changed(series.paths[0], tmp_path / "other.dcm", SeriesDescription="Something else")
    response = service.store([other.read_bytes()])
    assert response.status_code == 409
    assert failures(response)[0][0] == FailureReason.DUPLICATE_INSTANCE
    assert "SOPInstanceUID" in failures(response)[0][1]
    assert path_of(Instance.objects.select_related("series__study").get()).read_bytes() == (
        series.paths[0].read_bytes()
    )
    assert list(verify(archive)) == []


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"PatientID": "OTHER"}, "patient"),
        ({"StudyInstanceUID": "1.2.3"}, "another study"),
        ({"PatientID": "x" * 300}, "255"),
    ],
)
def test_what_contradicts_the_index_is_refused(
    service: Service, archive: Archive, tmp_path: Path, attributes: dict[str, str], word: str
) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    service.store_files(series.paths)
    other = changed(series.paths[0], tmp_path / "other.dcm", SOPInstanceUID="1.2.3.4", **attributes)
    reason, sentence = failures(service.store([other.read_bytes()]))[0]
    assert reason == FailureReason.DOES_NOT_MATCH
    assert word in sentence
    assert Instance.objects.count() == 1
    assert Patient.objects.count() == 1
    assert list(verify(archive)) == []


def test_one_batch_does_not_contradict_itself(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    other_study = changed(series.paths[0], tmp_path / "2.dcm", SOPInstanceUID="1.2.3.4", StudyInstanceUID="1.2.3")
    other_bytes = changed(series.paths[0], tmp_path / "3.dcm", SeriesDescription="Other")
    results = store_files(archive, incoming([*series.paths, other_study, other_bytes]), by=alice)
    assert [result.outcome for result in results] == [Outcome.STORED, Outcome.REFUSED, Outcome.REFUSED]
    assert list(verify(archive)) == []


def test_a_name_spelled_otherwise_is_the_same_patient(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    other = changed(series.paths[0], tmp_path / "2.dcm", SOPInstanceUID="1.2.3.4", PatientName="Phantom^T.")
    assert not any(result.is_refused for result in store_files(archive, incoming([*series.paths, other]), by=alice))
    assert Patient.objects.get().patient_name == "Phantom^Test"


def test_without_a_patient_id_names_tell_patients_apart(archive: Archive, alice: User, tmp_path: Path) -> None:
    for number, name in enumerate(("A^One", "A^One", "B^Two")):
        series = ct_series(tmp_path / str(number), slices=1, patient_id="", patient_name=name)
        store_files(archive, incoming(series.paths), by=alice)
    assert sorted(Patient.objects.values_list("patient_name", flat=True)) == ["A^One", "B^Two"]
    assert Study.objects.count() == 3


def test_a_bad_file_is_refused_and_the_rest_is_stored(service: Service, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=2)
    response = service.store([b"", series.paths[0].read_bytes(), b"PK\x03\x04 zip", series.paths[1].read_bytes()])
    assert response.status_code == 202
    assert [sentence for _, sentence in failures(response)] == [
        "The file is empty.",
        "This is a zip archive, not a DICOM file.",
    ]
    assert {reason for reason, _ in failures(response)} == {FailureReason.CANNOT_UNDERSTAND}
    assert Instance.objects.count() == 2


def test_objects_of_another_study_than_the_address_are_refused(service: Service, tmp_path: Path) -> None:
    wanted, other = (ct_series(tmp_path / name, slices=1) for name in ("1", "2"))
    response = service.store(
        [wanted.paths[0].read_bytes(), other.paths[0].read_bytes()], f"studies/{wanted.study_instance_uid}"
    )
    assert response.status_code == 202
    assert failures(response)[0][0] == FailureReason.DOES_NOT_MATCH
    assert Study.objects.get().study_instance_uid == wanted.study_instance_uid


def test_storing_is_audited_once_a_request_and_study(service: Service, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=3)
    service.store_files(series.paths)
    service.store_files(series.paths)
    entry = Entry.objects.get(action="images.stored")
    assert (entry.actor_pk, entry.subject_pk) == (alice.pk, Study.objects.get().pk)
    assert entry.detail == {"instances": 3, "study_instance_uid": series.study_instance_uid}


def test_texts_that_no_database_takes_are_stored(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    odd = changed(
        series.paths[0],
        tmp_path / "odd.dcm",
        StudyDescription="a\0b<script>",
        PatientName="Ö^\0",
        AccessionNumber="'\";--",
    )
    assert store_files(archive, incoming([odd]), by=alice)[0].outcome is Outcome.STORED
    study = Study.objects.get()
    assert study.study_description == "ab<script>"
    assert study.accession_number == "'\";--"
    assert "\0" not in str(study.attributes)


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_kill_between_files_and_rows_loses_and_doubles_nothing(
    archive: Archive, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = ct_series(tmp_path / "source", slices=3)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(index.Instance.objects, "bulk_create", killed)
        with pytest.raises(KeyboardInterrupt):
            store_files(archive, incoming(series.paths), by=alice)
    assert Study.objects.count() == Patient.objects.count() == 0
    assert len(unindexed_files(archive)) == 3
    other = changed(series.paths[0], tmp_path / "other.dcm", SeriesDescription="Sent instead")
    results = store_files(archive, incoming([other, *series.paths[1:]]), by=alice)
    assert {result.outcome for result in results} == {Outcome.STORED}
    assert Instance.objects.count() == 3
    assert list(verify(archive)) == []
    assert len(unindexed_files(archive)) == 1


@pytest.mark.faults
def test_a_file_that_was_lost_is_mended_by_storing_it_again(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    store_files(archive, incoming(series.paths), by=alice)
    path = path_of(Instance.objects.select_related("series__study").get())
    path.unlink()
    assert "is missing" in next(verify(archive))
    assert store_files(archive, incoming(series.paths), by=alice)[0].outcome is Outcome.PRESENT
    assert list(verify(archive)) == []


@pytest.mark.faults
def test_a_damaged_copy_is_never_taken_for_the_object(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=1)
    store_files(archive, incoming(series.paths), by=alice)
    path = path_of(Instance.objects.select_related("series__study").get())
    path.unlink()
    path.write_bytes(b"rot")
    assert "have changed" in next(verify(archive))
    result = store_files(archive, incoming(series.paths), by=alice)[0]
    assert result.failure_reason is FailureReason.PROCESSING_FAILURE
    assert "verify" in result.sentence


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_series_lose_nothing(archive: Archive, alice: User, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "source", slices=24)
    start = threading.Barrier(4)

    def write(number: int) -> list[Outcome]:
        try:
            start.wait()
            chunks = [series.paths[at : at + 3] for at in range(0, 24, 3)]
            # Two of the four send the same files, each in another order.
            ordered = chunks[number // 2 :: 2] if number % 2 else chunks[number // 2 :: 2][::-1]
            return [result.outcome for chunk in ordered for result in store_files(archive, incoming(chunk), by=alice)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        outcomes = [outcome for found in threads.map(write, range(4)) for outcome in found]
    assert outcomes.count(Outcome.STORED) == outcomes.count(Outcome.PRESENT) == 24
    study, stored = Study.objects.get(), Series.objects.get()
    assert (study.series_count, study.instance_count, stored.instance_count) == (1, 24, 24)
    assert stored.size_bytes == sum(path.stat().st_size for path in series.paths)
    assert list(verify(archive)) == []


def test_leftovers_of_dead_uploads_are_swept(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    with services.receiving_folder(archive) as gone:
        (gone / "000001").write_bytes(b"x")
    assert not gone.exists()
    left = store_of(archive).new_folder()
    services.sweep()
    assert left.exists()
    monkeypatch.setattr(services, "ABANDONED_SECONDS", -1)
    services.sweep()
    assert not left.exists()


def test_a_mask_is_laid_over_its_image_alone(archive: Archive, alice: User, tmp_path: Path) -> None:
    source = ct_series(tmp_path / "ct", slices=2, rows=15, columns=13)
    mask = np.zeros((2, 15, 13), bool)
    mask[0, 4, 5] = True
    made = segmentation([pydicom.dcmread(path) for path in source.paths], mask, tmp_path / "seg.dcm")
    results = store_files(archive, incoming([*source.paths, made]), by=alice)
    assert {result.outcome for result in results} == {Outcome.STORED}
    first, second, drawn = (
        Instance.objects.select_related("series__study").get(sop_instance_uid=result.identity.sop_instance_uid)
        for result in results
        if result.identity
    )
    picture = services.overlay(drawn, first)
    assert picture is not None
    opacity = np.asarray(Image.open(io.BytesIO(picture.body)))[..., 3]
    assert np.array_equal(opacity == 255, mask[0])
    assert services.overlay(drawn, second) is None
    with pytest.raises(FileRefused):
        services.overlay(first, second)
