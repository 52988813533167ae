"""What the Job's own containers do, against a real Orthanc: images by their hash, outputs all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from apps.jobs.cluster import orthanc as door
from apps.jobs.cluster.collect import check, store
from apps.jobs.cluster.orthanc import ArchiveFailed, ObjectRefused, Orthanc
from apps.jobs.cluster.request import Request
from apps.jobs.cluster.stage import stage
from apps.jobs.gate_report import Expected, GateReport
from apps.jobs.staging import InputDamaged
from tests.dicom import WrittenSeries, ct_series
from tests.jobs.samples import run_sample
from tests.peers.orthanc import Orthanc as Address
from tests.portal import free_port

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


@pytest.fixture
def archive(orthanc: Address) -> Orthanc:
    return Orthanc(f"http://127.0.0.1:{orthanc.port}", orthanc.user, orthanc.password, patience_seconds=2)


@pytest.fixture
def series(tmp_path: Path, archive: Orthanc, orthanc: Address) -> Iterator[WrittenSeries]:
    """Four images in the archive; nothing of their study stays."""
    written = ct_series(tmp_path / "ct", seed=str(tmp_path))
    for path in written.paths:
        archive.store(path)
    yield written
    for orthanc_id in archive.lookup(written.study_instance_uid):
        address = f"http://127.0.0.1:{orthanc.port}/studies/{orthanc_id}"
        requests.delete(address, auth=(orthanc.user, orthanc.password), timeout=10).raise_for_status()


@pytest.fixture
def request_of(series: WrittenSeries) -> Request:
    hashes = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in series.paths}
    inputs = {uid: hashes[path.stem] for uid, path in zip(series.sop_instance_uids, series.paths, strict=True)}
    return Request("", series.study_instance_uid, series.series_instance_uid, inputs, Expected((SEGMENTATION,)))


@pytest.fixture
def staged(request_of: Request, archive: Orthanc, tmp_path: Path) -> Path:
    stage(request_of, archive, tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def outputs(staged: Path, series: WrittenSeries, tmp_path: Path) -> Path:
    """What the sample makes of them."""
    (tmp_path / "out").mkdir()
    assert run_sample("threshold-segmentation", staged, tmp_path / "out", series.series_instance_uid).returncode == 0
    return tmp_path / "out"


def test_images_come_bit_for_bit_where_the_contract_says(
    staged: Path, request_of: Request, series: WrittenSeries
) -> None:
    folder = staged / series.study_instance_uid / series.series_instance_uid
    found = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.dcm")}
    assert found == request_of.inputs


def test_an_image_with_other_bytes_is_refused(request_of: Request, archive: Orthanc, tmp_path: Path) -> None:
    request_of.inputs[next(iter(request_of.inputs))] = "0" * 64
    with pytest.raises(InputDamaged, match="does not have the bytes"):
        stage(request_of, archive, tmp_path / "in")


def test_an_image_that_is_gone_is_missed(request_of: Request, archive: Orthanc, tmp_path: Path) -> None:
    archive.remove([next(iter(request_of.inputs))])
    with pytest.raises(InputDamaged, match="no longer has all images"):
        stage(request_of, archive, tmp_path / "in")


def test_outputs_are_stored_and_found_with_their_bytes(
    request_of: Request, archive: Orthanc, staged: Path, outputs: Path
) -> None:
    report = check(request_of, archive, staged, outputs)
    (output,) = report.outputs
    assert report.refusals == ()
    store(report, archive, outputs)
    assert archive.sha256(output.sop_instance_uid) == output.sha256
    again = check(request_of, archive, staged, outputs)
    assert {refusal.attribute for refusal in again.refusals} == {"SeriesInstanceUID", "SOPInstanceUID"}


def test_what_a_broken_attempt_stored_is_removed_before_the_next(
    request_of: Request, archive: Orthanc, staged: Path, outputs: Path, tmp_path: Path
) -> None:
    report = check(request_of, archive, staged, outputs)
    store(report, archive, outputs)
    uids = tuple(output.sop_instance_uid for output in report.outputs)
    again = Request(
        "", request_of.study_instance_uid, request_of.series_instance_uid, request_of.inputs, Expected(()), uids
    )
    stage(again, archive, tmp_path / "second")
    assert [archive.lookup(uid) for uid in uids] == [[]]


def test_all_or_nothing(
    request_of: Request, archive: Orthanc, staged: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = check(request_of, archive, staged, outputs)
    whole = GateReport((*report.outputs, *report.outputs), (), ())
    put, refusals = archive.store, iter([False, True])

    def store_once(path: Path) -> None:
        if next(refusals):
            raise ObjectRefused("The archive refuses an object.")
        put(path)

    monkeypatch.setattr(archive, "store", store_once)
    with pytest.raises(ObjectRefused):
        store(whole, archive, outputs)
    assert archive.lookup(report.outputs[0].sop_instance_uid) == []


def test_what_is_no_dicom_is_not_taken(archive: Orthanc, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no DICOM")
    with pytest.raises((ObjectRefused, ArchiveFailed)):
        archive.store(tmp_path / "text")


def test_an_archive_that_is_not_there_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.time, "sleep", lambda _: None)
    archive = Orthanc(f"http://127.0.0.1:{free_port()}", "portal", "secret", patience_seconds=0.1)
    with pytest.raises(ArchiveFailed, match="cannot be reached"):
        archive.lookup("1.2.3")
