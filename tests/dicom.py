"""Small DICOM series for tests, made on the spot: nobody's images, whole Part 10, the same bytes for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

BONE_HU = 1000
WATER_HU = 0
AIR_HU = -1000


@dataclass(frozen=True)
class WrittenSeries:
    """A series on disk: its identifiers, and its files in the order of their positions."""

    directory: Path
    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    sop_instance_uids: tuple[str, ...]
    paths: tuple[Path, ...]


def uid(seed: str | None, *parts: object) -> str:
    """A UID: random without a seed, the same for the same seed and parts with one."""
    return str(generate_uid(entropy_srcs=None if seed is None else [seed, *map(str, parts)]))


def phantom_hu(slices: int, rows: int, columns: int) -> np.ndarray:
    """int16 (slices, rows, columns) in Hounsfield units: air, in it a block of water, in that a block of bone."""
    volume = np.full((slices, rows, columns), AIR_HU, dtype=np.int16)
    volume[:, rows // 8 : -(rows // 8), columns // 8 : -(columns // 8)] = WATER_HU
    volume[:, rows // 4 : rows // 2, columns // 4 : columns // 2] = BONE_HU
    return volume


def ct_series(
    directory: Path,
    *,
    slices: int = 4,
    rows: int = 16,
    columns: int = 16,
    time_points: int = 1,
    modality: str = "CT",
    seed: str | None = None,
    series_name: str = "series",
    patient_id: str = "TEST-1",
    patient_name: str = "Phantom^Test",
    study_instance_uid: str | None = None,
    frame_of_reference_uid: str | None = None,
    gantry_tilt_degrees: float = 0.0,
) -> WrittenSeries:
    """Write an axial series of `slices` × `time_points` files of 1 × 1 × 2 mm voxels under `directory`.

    With a `seed` all UIDs (and so all bytes) repeat; two series of one seed and one study differ by `series_name`.
    A gantry tilt shears the stack as a scanner does: orientation turned, positions still along the table.
    """
    study_instance_uid = study_instance_uid or uid(seed, "study")
    frame_of_reference_uid = frame_of_reference_uid or uid(seed, "frame of reference", study_instance_uid)
    series_instance_uid = uid(seed, "series", study_instance_uid, series_name)
    directory.mkdir(parents=True, exist_ok=True)
    volume = phantom_hu(slices, rows, columns)
    paths, sop_instance_uids = [], []
    for number in range(time_points * slices):
        time_point, index = divmod(number, slices)
        dataset = _image(volume[index], modality)
        dataset.PatientID, dataset.PatientName = patient_id, patient_name
        dataset.PatientBirthDate, dataset.PatientSex = "19700101", "O"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_instance_uid, series_instance_uid
        dataset.FrameOfReferenceUID = frame_of_reference_uid
        dataset.SOPInstanceUID = uid(seed, "instance", series_instance_uid, time_point, index)
        dataset.InstanceNumber, dataset.AcquisitionNumber = number + 1, time_point + 1
        dataset.ImageOrientationPatient = _orientation(gantry_tilt_degrees)
        dataset.ImagePositionPatient = [-columns / 2, -rows / 2, 2.0 * index]
        paths.append(save(dataset, directory / f"{dataset.InstanceNumber:04d}.dcm"))
        sop_instance_uids.append(dataset.SOPInstanceUID)
    return WrittenSeries(
        directory,
        study_instance_uid,
        series_instance_uid,
        frame_of_reference_uid,
        tuple(sop_instance_uids),
        tuple(paths),
    )


def save(dataset: Dataset, path: Path) -> Path:
    """Write `dataset` as a Part 10 file in Explicit VR Little Endian, its file meta made from it, and return `path`."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    part10 = FileDataset(str(path), dataset, preamble=b"\0" * 128, file_meta=meta)
    part10.save_as(path, enforce_file_format=True)
    return path


def _orientation(gantry_tilt_degrees: float) -> list[float]:
    """Direction cosines of rows and columns (PS3.3 C.7.6.2.1.1)."""
    tilt = np.deg2rad(gantry_tilt_degrees)
    return [1, 0, 0, 0, round(float(np.cos(tilt)), 8), round(float(-np.sin(tilt)), 8)]


def _image(pixels: np.ndarray, modality: str) -> Dataset:
    """One slice without identifiers: stored values are Hounsfield units + 1024, undone by the rescale intercept."""
    dataset = Dataset()
    dataset.SOPClassUID = {"CT": CTImageStorage, "MR": MRImageStorage}[modality]
    dataset.Modality = modality
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260102"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "101112"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "A1", ""
    dataset.StudyDescription, dataset.SeriesDescription = "Phantom study", f"Phantom {modality}"
    dataset.Manufacturer, dataset.SeriesNumber, dataset.PatientPosition = "Test", 1, "HFS"
    dataset.PositionReferenceIndicator = ""
    dataset.PixelSpacing, dataset.SliceThickness = [1, 1], 2
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
    if modality == "CT":
        dataset.RescaleType = "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.PixelData = (pixels.astype(np.int32) + 1024).astype("<u2").tobytes()
    return dataset
