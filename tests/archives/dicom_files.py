"""DICOM files for tests: those inside the pydicom package, and ones made here."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from apps.archives.models import Instance
from apps.archives.static_archive import StaticArchive

_FOLDER = Path(pydicom.data.__file__).parent / "test_files"

ALL_FILES = sorted(path for path in _FOLDER.rglob("*") if path.is_file() and path.suffix != ".py")


def path_of(instance: Instance) -> Path:
    """Where the built-in store has the file of an instance."""
    return StaticArchive(instance.archive_id).path(instance)


def packaged(name: str) -> Path:
    return _FOLDER / name


def image(pixels: np.ndarray, **attributes: Any) -> Dataset:
    """A secondary capture of frames × rows × columns, or rows × columns."""
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.SOPClassUID = SecondaryCaptureImageStorage
    data_set.SOPInstanceUID = generate_uid()
    data_set.StudyInstanceUID = generate_uid()
    data_set.SeriesInstanceUID = generate_uid()
    data_set.PatientName = "Test^Only"
    data_set.PatientID = "T1"
    if pixels.ndim == 3:
        data_set.NumberOfFrames = len(pixels)
    data_set.Rows, data_set.Columns = pixels.shape[-2:]
    data_set.SamplesPerPixel = 1
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.BitsAllocated = data_set.BitsStored = pixels.dtype.itemsize * 8
    data_set.HighBit = data_set.BitsStored - 1
    data_set.PixelRepresentation = int(pixels.dtype.kind == "i")
    data_set.PixelData = pixels.tobytes()
    data_set["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def save(data_set: Dataset, path: Path, transfer_syntax_uid: UID = ExplicitVRLittleEndian) -> Path:
    data_set.file_meta.TransferSyntaxUID = transfer_syntax_uid
    data_set.save_as(path, enforce_file_format=True)
    return path


def changed(path: Path, destination: Path, **attributes: object) -> Path:
    dataset = pydicom.dcmread(path)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return save(dataset, destination)
