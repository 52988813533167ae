"""Threshold segmentation: one series in, one DICOM segmentation of what is at least as dense as the threshold out."""

from __future__ import annotations

import sys
from pathlib import Path

import highdicom
import numpy as np
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.sr.codedict import codes
from sample_series import PlaneStack, UnusableInput, main, progress

VERSION = "1.0.0"
SERIES_NUMBER = 900


def segment(stack: PlaneStack, output_directory: Path, threshold: float) -> None:
    """Write `segmentation.dcm`: a binary SEG that refers to every slice used (PS3.3 A.51).

    Raises `UnusableInput` where no voxel reaches the threshold.
    """
    mask = _mask(stack, threshold)
    if not mask.any():
        raise UnusableInput(f"No voxel is at or above {threshold:g} {stack.unit}, so there is nothing to segment.")
    progress(0.7, "Writing the segmentation")
    segmentation = Segmentation(
        source_images=stack.slices,
        pixel_array=mask,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_bone(threshold)],
        series_instance_uid=highdicom.UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="MAIA",
        manufacturer_model_name="threshold-segmentation",
        software_versions=VERSION,
        device_serial_number="1",
        content_label="BONE",
        content_description=f"At or above {threshold:g} {stack.unit}"[:64],
        omit_empty_frames=True,
    )
    segmentation.SeriesDescription = f"Bone at or above {threshold:g} {stack.unit}"[:64]
    segmentation.save_as(output_directory / "segmentation.dcm", enforce_file_format=True)
    print(f"{int(mask.sum())} voxels in {int(mask.any(axis=(1, 2)).sum())} of {len(mask)} slices.", flush=True)


def _mask(stack: PlaneStack, threshold: float) -> np.ndarray:
    """bool (slices, rows, columns): where the value is at or above the threshold."""
    planes = []
    for number, values in enumerate(stack.values(), start=1):
        planes.append(values >= threshold)
        progress(0.1 + 0.6 * number / len(stack.slices), f"Slice {number} of {len(stack.slices)}")
    return np.stack(planes)


def _bone(threshold: float) -> SegmentDescription:
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name="threshold-segmentation",
        family=codes.cid7162.HistogramAnalysis,
        version=VERSION,
        parameters={"threshold": f"{threshold:g}"},
    )
    return SegmentDescription(
        segment_number=1,
        segment_label="Bone",
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=codes.SCT.Bone,
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
    )


if __name__ == "__main__":
    sys.exit(main(segment, description=__doc__ or ""))
