"""The output gate: what the bundled algorithms write passes, and each rule refuses its hostile output."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from apps.jobs import gate_child
from apps.jobs.gate import check_outputs
from apps.jobs.gate_child import InputsUnreadable, run_gate, summarise
from apps.jobs.gate_report import Expected, GateReport, InputSummary
from tests.dicom import WrittenSeries, ct_series
from tests.jobs.samples import run_sample

pytestmark = pytest.mark.attacks

SEGMENTATION, COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33"
EXPECTED = Expected((SEGMENTATION, COMPREHENSIVE_SR))


@dataclass
class Finished:
    """A run whose algorithm has written good outputs."""

    series: WrittenSeries
    inputs: InputSummary
    out: Path

    @property
    def segmentation(self) -> Path:
        return self.out / "segmentation.dcm"

    def change(self, change: Callable[[Dataset], object], path: Path | None = None) -> None:
        """Change one output as a hostile algorithm would."""
        dataset = pydicom.dcmread(path or self.segmentation)
        change(dataset)
        dataset.save_as(path or self.segmentation)

    def check(self, expected: Expected = EXPECTED) -> GateReport:
        return check_outputs(self.out, self.inputs, expected)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    directory = tmp_path_factory.mktemp("run")
    series = ct_series(directory / "in" / "series", patient_name="Prüfling^Ägidius")
    (directory / "out").mkdir()
    for name in ("threshold-segmentation", "measurements"):
        assert run_sample(name, directory / "in", directory / "out", series.series_instance_uid).returncode == 0
    return Finished(series, summarise(directory / "in"), directory / "out")


@pytest.fixture
def finished(good: Finished, tmp_path: Path) -> Finished:
    out = tmp_path / "out"
    out.mkdir()
    for path in good.out.iterdir():
        (out / path.name).write_bytes(path.read_bytes())
    return replace(good, out=out)


def refused(report: GateReport) -> dict[str, str]:
    """The report's sentences by attribute, once it is sure that nothing gets through."""
    assert report.outputs == ()
    assert report.reason == "INVALID_OUTPUT"
    assert all("Prüfling" not in refusal.sentence and "TEST-1" not in refusal.sentence for refusal in report.refusals)
    return {refusal.attribute: f"{refusal.file}: {refusal.sentence}" for refusal in report.refusals}


def test_the_outputs_of_the_bundled_algorithms_pass(finished: Finished) -> None:
    report = run_gate(finished.out, finished.inputs, EXPECTED)
    assert report.refusals == ()
    assert report.reason == ""
    assert [output.path for output in report.outputs] == ["measurements.dcm", "segmentation.dcm"]
    segmentation = pydicom.dcmread(finished.segmentation)
    output = report.outputs[1]
    assert output.sop_instance_uid == segmentation.SOPInstanceUID
    assert output.size_bytes == finished.segmentation.stat().st_size
    assert len(output.sha256) == 64
    assert report == finished.check()


def test_the_inputs_are_summarised_before_the_run(good: Finished) -> None:
    assert good.inputs.study_instance_uid == good.series.study_instance_uid
    assert good.inputs.series_instance_uids == {good.series.series_instance_uid}
    assert good.inputs.frame_of_reference_uids == {good.series.frame_of_reference_uid}
    assert set(good.inputs.images) == set(good.series.sop_instance_uids)
    assert InputSummary.from_json(good.inputs.as_json()) == good.inputs


def test_nothing_and_nothing_but_other_files_is_no_output(finished: Finished) -> None:
    for path in finished.out.iterdir():
        path.unlink()
    assert finished.check().reason == "NO_OUTPUT"
    (finished.out / "notes.txt").write_text("done")
    report = finished.check()
    assert (report.reason, report.ignored) == ("NO_OUTPUT", ("notes.txt",))


def test_other_files_beside_dicom_are_named_and_do_not_count(finished: Finished) -> None:
    (finished.out / "deep").mkdir()
    (finished.out / "deep" / "log\n.txt").write_text("x")
    report = finished.check()
    assert report.reason == ""
    assert report.ignored == ("deep/log\\n.txt",)


def set_attribute(keyword: str, value: object) -> Callable[[Dataset], None]:
    return lambda dataset: setattr(dataset, keyword, value)


@pytest.mark.parametrize(
    ("keyword", "value", "sentence"),
    [
        ("PatientID", "SOMEBODY-ELSE", "The PatientID is not that of the input images."),
        ("PatientName", "Prüfling^Egidius", "The PatientName is not that of the input images."),
        ("PatientBirthDate", "", "The PatientBirthDate is not that of the input images."),
        ("PatientSex", "F", "The PatientSex is not that of the input images."),
        ("StudyInstanceUID", "1.2.3.4", "The StudyInstanceUID is not that of the input images."),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7", "(Secondary Capture Image Storage) is not one that the algorithm"),
        ("Modality", "CT", "The Modality must be SEG"),
        ("SeriesInstanceUID", "1.2.0003", "The SeriesInstanceUID is not a valid UID"),
        ("SOPInstanceUID", "1.2.0003", "The SOPInstanceUID is not a valid UID"),
        ("FrameOfReferenceUID", "1.2.3.4", "The FrameOfReferenceUID is not that of the input images."),
        ("NumberOfFrames", 900, "The pixel data does not fit the image"),
        ("Rows", 8, "The Rows and Columns of the segmentation are not those of any input image."),
    ],
)
def test_an_attribute_that_breaks_a_rule(finished: Finished, keyword: str, value: object, sentence: str) -> None:
    finished.change(set_attribute(keyword, value))
    sentences = refused(finished.check())
    assert sentence in sentences[keyword if keyword != "NumberOfFrames" else "PixelData"]


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_an_object_without_identity(finished: Finished, keyword: str) -> None:
    finished.change(lambda dataset: dataset.__delattr__(keyword))
    assert f"The file has no {keyword}" in refused(finished.check())["file"]


@pytest.mark.parametrize("keyword", ["MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID"])
def test_file_meta_that_says_otherwise(finished: Finished, keyword: str) -> None:
    finished.change(lambda dataset: setattr(dataset.file_meta, keyword, "1.2.3"))
    assert f"The {keyword} of the file differs" in refused(finished.check())[keyword]


def test_file_meta_that_is_damaged(finished: Finished) -> None:
    content = finished.segmentation.read_bytes()
    finished.segmentation.write_bytes(content.replace(b"\x02\0\x03\0UI", b"\x02\0\x03\0UJ", 1))
    assert "group 2" in refused(finished.check())["FileMetaInformationVersion"]


def test_the_uids_of_the_input_itself(finished: Finished) -> None:
    finished.change(set_attribute("SeriesInstanceUID", finished.series.series_instance_uid))
    assert "SeriesInstanceUID" in refused(finished.check())
    finished.change(set_attribute("SOPInstanceUID", finished.series.sop_instance_uids[0]))
    assert "SOPInstanceUID" in refused(finished.check())


def test_two_outputs_of_one_uid(finished: Finished) -> None:
    (finished.out / "twin.dcm").write_bytes(finished.segmentation.read_bytes())
    assert "is that of another output" in refused(finished.check())["SOPInstanceUID"]


def test_a_reference_to_what_is_no_input(finished: Finished) -> None:
    instances = "ReferencedInstanceSequence"
    finished.change(
        lambda dataset: setattr(dataset.ReferencedSeriesSequence[0][instances][0], "ReferencedSOPInstanceUID", "1.2.3")
    )
    assert "is not one of the inputs" in refused(finished.check())["ReferencedSOPInstanceUID"]


def test_a_reference_deep_in_a_frame(finished: Finished) -> None:
    def point_elsewhere(dataset: Dataset) -> None:
        frame = dataset.PerFrameFunctionalGroupsSequence[-1]
        frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"

    finished.change(point_elsewhere)
    assert "is not one of the inputs" in refused(finished.check())["ReferencedSOPInstanceUID"]


def test_a_reference_to_another_series(finished: Finished) -> None:
    finished.change(lambda dataset: setattr(dataset.ReferencedSeriesSequence[0], "SeriesInstanceUID", "1.2.3"))
    assert "other than those of the inputs" in refused(finished.check())["SeriesInstanceUID"]


def test_a_report_on_another_study(finished: Finished) -> None:
    evidence = "CurrentRequestedProcedureEvidenceSequence"
    finished.change(
        lambda dataset: setattr(dataset[evidence][0], "StudyInstanceUID", "1.2.3"), finished.out / "measurements.dcm"
    )
    assert "other than that of the inputs" in refused(finished.check())["StudyInstanceUID"]


def test_a_segmentation_of_nothing(finished: Finished) -> None:
    def forget_sources(dataset: Dataset) -> None:
        dataset.ReferencedSeriesSequence = Sequence()
        for frame in dataset.PerFrameFunctionalGroupsSequence:
            frame.DerivationImageSequence = Sequence()
        dataset.pop("SourceImageSequence", None)

    finished.change(forget_sources)
    assert "refers to none of the inputs" in refused(finished.check())["ReferencedSOPInstanceUID"]


@pytest.mark.parametrize("kept", [0, 100, 200, 2000, -1])
def test_a_file_that_is_cut_short(finished: Finished, kept: int) -> None:
    finished.segmentation.write_bytes(finished.segmentation.read_bytes()[:kept])
    assert "segmentation.dcm: " in refused(finished.check())["file"]


def test_a_file_that_is_named_dicom_and_is_not(finished: Finished) -> None:
    finished.segmentation.write_bytes(b"\x7fELF" + b"\0" * 500)
    assert "segmentation.dcm" in refused(finished.check())["file"]


def test_an_unknown_transfer_syntax(finished: Finished) -> None:
    content = finished.segmentation.read_bytes()
    finished.segmentation.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0"))
    assert "transfer syntax that the archive does not know" in refused(finished.check())["file"]


def make_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def make_hard_link(path: Path) -> None:
    os.link(path.parent / "measurements.dcm", path)


@pytest.mark.parametrize("make", [make_link, make_hard_link, os.mkfifo], ids=["symlink", "hard link", "fifo"])
def test_what_is_no_plain_file(finished: Finished, make: Callable[[Path], None]) -> None:
    make(finished.out / "odd.dcm")
    assert "only plain files are taken" in refused(finished.check())["file"]


def test_a_name_that_is_no_text(finished: Finished) -> None:
    (finished.out / os.fsdecode(b"notes\xff.txt")).write_text("no DICOM")
    assert finished.check().outputs
    finished.segmentation.rename(finished.out / os.fsdecode(b"\xff.dcm"))
    assert "not in UTF-8" in refused(finished.check())["file"]


def test_a_link_to_a_folder_is_not_entered(finished: Finished, tmp_path: Path) -> None:
    (finished.out / "elsewhere").symlink_to(tmp_path)
    assert "elsewhere: This is a link" in refused(finished.check())["file"]


def test_too_many_and_too_much(finished: Finished) -> None:
    assert "more than 1 files" in refused(finished.check(replace(EXPECTED, max_files=1)))["file"]
    assert "more than 100 bytes" in refused(finished.check(replace(EXPECTED, max_bytes=100)))["file"]


def test_one_bad_output_stops_the_good_one_too(finished: Finished) -> None:
    finished.change(set_attribute("PatientID", "SOMEBODY-ELSE"))
    report = run_gate(finished.out, finished.inputs, EXPECTED)
    refused(report)
    assert {refusal.file for refusal in report.refusals} == {"segmentation.dcm"}


def test_a_child_that_is_late_refuses_all(finished: Finished) -> None:
    report = run_gate(finished.out, finished.inputs, EXPECTED, timeout_seconds=0.01)
    assert refused(report)["file"] == f"all files: {gate_child.DIED}"


def test_a_child_that_dies_refuses_all(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_child, "REPOSITORY", Path("/"))
    assert refused(run_gate(finished.out, finished.inputs, EXPECTED))["file"] == f"all files: {gate_child.DIED}"


def test_inputs_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputsUnreadable, match="no input was staged"):
        summarise(tmp_path)


def test_the_gate_needs_no_django() -> None:
    code = "import sys, apps.jobs.gate_child, apps.integrations.executors.launcher; print('django' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
