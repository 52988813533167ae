"""What the bundled algorithms share: the contract's arguments, one series in order, progress, plain failures."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

MODALITIES = ("CT", "MR")
TYPE_2_KEYWORDS = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
)
SAME_POSITION_MM = 0.01
SAME_ORIENTATION = 1e-3


class UnusableInput(Exception):
    """The series cannot be processed; the message is one sentence for the person who started the run."""


@dataclass(frozen=True)
class PlaneStack:
    """The slices of one series, one per plane position, ordered along the normal of the planes (PS3.3 C.7.6.2.1.1)."""

    slices: list[pydicom.Dataset]
    """Headers without pixels; `values()` reads those from the file of each."""
    positions_mm: np.ndarray
    """Distance of each slice along the normal, ascending, shape (slices,)."""

    @property
    def modality(self) -> str:
        """`CT` or `MR`."""
        return str(self.slices[0].Modality)

    @property
    def unit(self) -> str:
        """`HU` for CT, else `stored value after rescale`: MR promises no unit."""
        return "HU" if self.modality == "CT" else "stored value after rescale"

    def values(self) -> Iterator[np.ndarray]:
        """Each slice's float32 values (rows, columns) after rescale, decoded one at a time to keep memory small."""
        for dataset in self.slices:
            yield _rescaled(pydicom.dcmread(dataset.filename))

    def voxel_volume_ml(self) -> float:
        """Pixel area times the median distance of neighbouring planes; the slice thickness where there is one plane."""
        first = self.slices[0]
        if len(self.slices) > 1:
            depth_mm = float(np.median(np.diff(self.positions_mm)))
        else:
            depth_mm = float(first.get("SliceThickness") or 0)
        if depth_mm <= 0:
            raise UnusableInput("The series has one slice and no SliceThickness, so a volume cannot be measured.")
        return float(first.PixelSpacing[0]) * float(first.PixelSpacing[1]) * depth_mm / 1000


def main(process: Callable[[PlaneStack, Path, float], None], *, description: str) -> int:
    """Run one algorithm by the contract `IMAGE <in> <out> <SeriesInstanceUID>`; the exit code, 2 for unusable input."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("input_directory", type=Path)
    parser.add_argument("output_directory", type=Path)
    parser.add_argument("series_instance_uid")
    parser.add_argument("--threshold", type=float, default=300.0, help="lowest value that counts (default: 300)")
    arguments = parser.parse_args()
    # pydicom's and highdicom's warnings quote values, the patient's name among them; logs must not.
    warnings.simplefilter("ignore")
    try:
        progress(0.0, "Looking for the series")
        stack = read_stack(arguments.input_directory, arguments.series_instance_uid)
        if stack.modality != "CT":
            print(f"This is {stack.modality}, not CT: the threshold is compared with the {stack.unit}.", flush=True)
        process(stack, arguments.output_directory, arguments.threshold)
    except UnusableInput as failure:
        print(failure, file=sys.stderr)
        return 2
    progress(1.0, "Done")
    return 0


def progress(fraction: float, text: str) -> None:
    """Tell the portal how far the run is: a line `PROGRESS 0.40 text` on standard output."""
    print(f"PROGRESS {fraction:.2f} {text}", flush=True)


def read_stack(input_directory: Path, series_instance_uid: str) -> PlaneStack:
    """The series' slices in the order of their planes; the first time point where positions repeat, and a line says so.

    Raises `UnusableInput` for anything that is not a stack of parallel single-frame images of one size.
    """
    images = find_series(input_directory, series_instance_uid)
    _check_parallel(images)
    positions = np.array([_distance_mm(image) for image in images])
    order = sorted(range(len(images)), key=lambda i: (round(positions[i] / SAME_POSITION_MM), *_time_key(images[i])))
    kept = [order[0]]
    for index in order[1:]:
        if positions[index] - positions[kept[-1]] > SAME_POSITION_MM:
            kept.append(index)
    if len(kept) < len(images):
        print(
            f"Plane positions repeat: {len(images)} images at {len(kept)} positions; "
            f"only the first time point of each position is used.",
            flush=True,
        )
    return PlaneStack([images[i] for i in kept], positions[kept])


def find_series(input_directory: Path, series_instance_uid: str) -> list[pydicom.Dataset]:
    """The headers of the series' images, found anywhere below `input_directory`; other files are passed over."""
    images = []
    for path in sorted(input_directory.rglob("*")):
        if path.is_file():
            try:
                header = pydicom.dcmread(path, specific_tags=["SeriesInstanceUID"], stop_before_pixels=True)
            except InvalidDicomError:
                continue
            if header.get("SeriesInstanceUID") == series_instance_uid:
                images.append(_with_empty_attributes(pydicom.dcmread(path, stop_before_pixels=True)))
    if not images:
        raise UnusableInput(f"No DICOM file of series {series_instance_uid} is in the input directory.")
    return images


def _with_empty_attributes(image: pydicom.Dataset) -> pydicom.Dataset:
    """De-identified files often lack what a result must carry, if only empty (type 2, PS3.3 C.7.1.1, C.7.2.1)."""
    for keyword in TYPE_2_KEYWORDS:
        if keyword not in image:
            setattr(image, keyword, None)
    return image


def _rescaled(image: pydicom.Dataset) -> np.ndarray:
    """float32 (rows, columns): stored values times RescaleSlope plus RescaleIntercept (PS3.3 C.11.1.1.2)."""
    try:
        stored = image.pixel_array.astype(np.float32)
    except (AttributeError, NotImplementedError, RuntimeError, ValueError) as failure:
        raise UnusableInput(f"The pixels of image {image.SOPInstanceUID} cannot be decoded: {failure}") from failure
    return stored * float(image.get("RescaleSlope") or 1) + float(image.get("RescaleIntercept") or 0)


def _check_parallel(images: list[pydicom.Dataset]) -> None:
    first = images[0]
    if first.get("Modality") not in MODALITIES:
        raise UnusableInput(f"The series is {first.get('Modality')}: this algorithm reads CT and MR only.")
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "FrameOfReferenceUID",
        "Rows",
        "Columns",
    ):
        if any(not image.get(keyword) for image in images):
            raise UnusableInput(
                f"An image of the series has no {keyword}: this algorithm needs slices with a place in space."
            )
    if any(int(image.get("NumberOfFrames") or 1) > 1 for image in images):
        raise UnusableInput("The series holds multi-frame images: this algorithm reads single-frame slices only.")
    if any(int(image.get("SamplesPerPixel") or 1) > 1 for image in images):
        raise UnusableInput("The series holds colour images: this algorithm reads one value a pixel only.")
    if any((image.Rows, image.Columns) != (first.Rows, first.Columns) for image in images):
        raise UnusableInput("The images of the series differ in size, so they do not form one volume.")
    turned = [np.subtract(image.ImageOrientationPatient, first.ImageOrientationPatient) for image in images]
    if np.abs(turned).max() > SAME_ORIENTATION:
        raise UnusableInput("The images of the series are not parallel (a localizer?), so they do not form one volume.")


def _distance_mm(image: pydicom.Dataset) -> float:
    orientation = [float(value) for value in image.ImageOrientationPatient]
    normal = np.cross(orientation[:3], orientation[3:])
    return float(np.dot(normal, [float(value) for value in image.ImagePositionPatient]))


def _time_key(image: pydicom.Dataset) -> tuple[float, ...]:
    keywords = ("TemporalPositionIdentifier", "AcquisitionNumber", "TriggerTime", "InstanceNumber")
    return tuple(float(image.get(keyword) or 0) for keyword in keywords)
