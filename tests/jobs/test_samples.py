"""The bundled algorithms hold the contract of algorithm images, on phantoms and, where at hand, real series."""

from __future__ import annotations

import re
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from apps.integrations.executors.port import Limits, RunSpec
from apps.integrations.executors.process import ProcessExecutor
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.runs import end_of
from tests.jobs.samples import SAMPLES, run_sample

REAL_IMAGES = Path(__file__).resolve().parents[3] / "shared" / "data"
HEAD_CT = REAL_IMAGES / "head_ct" / "head-ct.zip"
HEAD_CT_SERIES = "1.2.826.0.1.3680043.9.4245.3115138630835728997848661150714813892"
GE_MR = REAL_IMAGES / "dcm_qa_nih" / "20180918GE"
GE_MR_SERIES = "1.2.840.113619.2.408.5282380.4562341.27283.1537222031.341"
BOTH = pytest.mark.parametrize("name", ["threshold-segmentation", "measurements"])
BONE_VOXELS_A_SLICE = 16
"""Of a 16 × 16 phantom: a block of 4 × 4."""


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "in" / "study" / "series", slices=5, gantry_tilt_degrees=18.5)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def the_output(out: Path) -> pydicom.FileDataset:
    (path,) = out.iterdir()
    return pydicom.dcmread(path)


def figures_of(report: pydicom.Dataset) -> list[float]:
    """The numbers of a report in their order: volume, mean, deviation, minimum, maximum."""
    return [float(item.MeasuredValueSequence[0].NumericValue) for item in items_of(report) if item.ValueType == "NUM"]


def items_of(level: pydicom.Dataset) -> list[pydicom.Dataset]:
    children = list(level.get("ContentSequence", []))
    return children + [item for child in children for item in items_of(child)]


def test_the_segmentation_marks_the_bone_of_a_tilted_stack(series: WrittenSeries, out: Path, tmp_path: Path) -> None:
    finished = run_sample("threshold-segmentation", tmp_path / "in", out, series.series_instance_uid)
    assert finished.returncode == 0, finished.stderr
    segmentation = the_output(out)
    assert segmentation.SegmentationType == "BINARY"
    assert segmentation.pixel_array.sum() == 5 * BONE_VOXELS_A_SLICE
    segment = segmentation.SegmentSequence[0]
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == codes.SCT.Bone.value
    assert segment.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "threshold-segmentation"


def test_the_segmentation_refers_to_every_source_at_its_place(series: WrittenSeries, out: Path, tmp_path: Path) -> None:
    run_sample("threshold-segmentation", tmp_path / "in", out, series.series_instance_uid)
    segmentation = the_output(out)
    referenced = segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert {item.ReferencedSOPInstanceUID for item in referenced} == set(series.sop_instance_uids)
    assert segmentation.FrameOfReferenceUID == series.frame_of_reference_uid
    sources = {image.SOPInstanceUID: image for image in map(pydicom.dcmread, series.paths)}
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        assert np.allclose(position, sources[source].ImagePositionPatient)


def test_the_measurements_are_those_of_the_phantom(series: WrittenSeries, out: Path, tmp_path: Path) -> None:
    finished = run_sample("measurements", tmp_path / "in", out, series.series_instance_uid)
    assert finished.returncode == 0, finished.stderr
    report = the_output(out)
    distance_mm = 2 * np.cos(np.deg2rad(18.5))
    assert figures_of(report) == pytest.approx(
        [5 * BONE_VOXELS_A_SLICE * distance_mm / 1000, 1000, 0, 1000, 1000], rel=1e-5
    )
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert len(evidence) == 5


def test_the_threshold_can_be_changed(series: WrittenSeries, out: Path, tmp_path: Path) -> None:
    finished = run_sample("measurements", tmp_path / "in", out, series.series_instance_uid, "--threshold", "-500")
    assert finished.returncode == 0, finished.stderr
    volume, mean, _, lowest, _ = figures_of(the_output(out))
    assert volume == pytest.approx(5 * 144 * 2 * np.cos(np.deg2rad(18.5)) / 1000, rel=1e-5)
    assert (mean, lowest) == (pytest.approx(1000 * 16 / 144), 0)


@BOTH
def test_progress_rises_to_the_end(name: str, series: WrittenSeries, out: Path, tmp_path: Path) -> None:
    finished = run_sample(name, tmp_path / "in", out, series.series_instance_uid)
    fractions = [float(text) for text in re.findall(r"^PROGRESS (\d\.\d\d) \S", finished.stdout, re.MULTILINE)]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


@BOTH
def test_no_word_of_the_patient_is_printed(name: str, out: Path, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "in", patient_name="Unmistakable", patient_id="UNMISTAKABLE-1")
    finished = run_sample(name, tmp_path / "in", out, series.series_instance_uid)
    assert finished.returncode == 0
    assert "nmistakable" not in (finished.stdout + finished.stderr).lower()


@BOTH
def test_repeated_positions_take_the_first_time_point_and_say_so(name: str, out: Path, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "in", slices=4, time_points=3)
    finished = run_sample(name, tmp_path / "in", out, series.series_instance_uid)
    assert finished.returncode == 0, finished.stderr
    assert "12 images at 4 positions; only the first time point" in finished.stdout
    text = the_output(out).to_json()
    assert all(uid in text for uid in series.sop_instance_uids[:4])
    assert not any(uid in text for uid in series.sop_instance_uids[4:])


@BOTH
def test_mr_says_that_it_has_no_hounsfield_units(name: str, out: Path, tmp_path: Path) -> None:
    series = ct_series(tmp_path / "in", modality="MR")
    finished = run_sample(name, tmp_path / "in", out, series.series_instance_uid)
    assert finished.returncode == 0, finished.stderr
    assert "This is MR, not CT" in finished.stdout


@BOTH
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda image: image.__delattr__("ImagePositionPatient"), "has no ImagePositionPatient"),
        (lambda image: setattr(image, "Modality", "CR"), "reads CT and MR only"),
        (lambda image: setattr(image, "NumberOfFrames", 2), "multi-frame"),
        (lambda image: setattr(image, "ImageOrientationPatient", [0, 1, 0, 0, 0, -1]), "not parallel"),
        (lambda image: setattr(image, "PixelData", b"\0\0"), "cannot be decoded"),
        (lambda image: setattr(image, "RescaleIntercept", -5000), "No voxel is at or above 300"),
    ],
)
def test_unusable_input_ends_with_a_sentence(name, change, sentence, series, out, tmp_path) -> None:
    for number, path in enumerate(series.paths):
        image = pydicom.dcmread(path)
        if number == 0 or sentence.startswith("No voxel"):
            change(image)
        image.save_as(path)
    finished = run_sample(name, tmp_path / "in", out, series.series_instance_uid)
    assert finished.returncode == 2
    assert sentence in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert list(out.iterdir()) == []


@BOTH
def test_a_series_that_is_not_there_ends_with_a_sentence(name: str, out: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no image")
    finished = run_sample(name, tmp_path / "in", out, "1.2.3")
    assert (finished.returncode, finished.stderr) == (2, "No DICOM file of series 1.2.3 is in the input directory.\n")


@BOTH
@pytest.mark.skipif(not HEAD_CT.exists(), reason="the real head CT is not at hand")
def test_the_real_head_ct(name: str, out: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(HEAD_CT) as archive:
        archive.extractall(tmp_path / "in")
    finished = run_sample(name, tmp_path / "in", out, HEAD_CT_SERIES)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert "449558 voxels" in finished.stdout


@BOTH
@pytest.mark.skipif(not GE_MR.exists(), reason="the GE MR series are not at hand")
def test_the_real_ge_time_series(name: str, out: Path) -> None:
    finished = run_sample(name, GE_MR, out, GE_MR_SERIES)
    assert finished.returncode == 0, finished.stderr
    assert "150 images at 15 positions" in finished.stdout
    assert "18099 voxels" in finished.stdout


@BOTH
def test_the_executor_runs_it_locked_in(name: str, series: WrittenSeries, out: Path, tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "runs")
    arguments = (str(tmp_path / "in"), str(out), series.series_instance_uid)
    limits = Limits(memory_bytes=1024**3, timeout_seconds=60)
    command = (sys.executable, "-m", name, *arguments)
    executor.start(RunSpec("run-1-1", command, SAMPLES, tmp_path / "in", out, limits))
    ended = end_of(executor)
    assert (ended.exit_code, ended.ended_by) == (0, None), executor.log("run-1-1").text
    assert the_output(out).StudyInstanceUID == series.study_instance_uid
    assert "PROGRESS 1.00 Done" in executor.log("run-1-1").text


@BOTH
def test_each_algorithm_describes_itself(name: str) -> None:
    described = tomllib.loads((SAMPLES / name / "algorithm.toml").read_text())
    assert described["name"] == name
    assert described["entry"] == ["python", "-m", name]
    for file in ("README.md", "Dockerfile", "__main__.py"):
        assert (SAMPLES / name / file).is_file()
