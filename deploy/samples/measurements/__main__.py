"""Measurements: one series in, one structured report with volume, mean, deviation and range above the threshold out."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
from highdicom import sr
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from sample_series import PlaneStack, UnusableInput, main, progress

VERSION = "1.0.0"
SERIES_NUMBER = 901
PROCEDURES = {"CT": codes.cid100.CTUnspecifiedBodyRegion, "MR": codes.cid100.MRIUnspecifiedBodyRegion}
MILLILITRE = Code("mL", "UCUM", "milliliter")


@dataclass
class Statistics:
    """Figures of the voxels counted so far; sums in float64, so that a large series loses nothing."""

    count: int = 0
    total: float = 0.0
    total_of_squares: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf

    def add(self, values: np.ndarray) -> None:
        """Count in a flat array of values; an empty one changes nothing."""
        if values.size:
            wide = values.astype(np.float64)
            self.count += wide.size
            self.total += float(wide.sum())
            self.total_of_squares += float(np.square(wide).sum())
            self.lowest = min(self.lowest, float(wide.min()))
            self.highest = max(self.highest, float(wide.max()))

    @property
    def mean(self) -> float:
        """Arithmetic mean of all values counted."""
        return self.total / self.count

    @property
    def standard_deviation(self) -> float:
        """Of the population, not of a sample."""
        return math.sqrt(max(self.total_of_squares / self.count - self.mean**2, 0.0))


def measure(stack: PlaneStack, output_directory: Path, threshold: float) -> None:
    """Write `measurements.dcm`: a Comprehensive SR by TID 1500, one group of measurements by TID 1501 (PS3.16).

    Raises `UnusableInput` where no voxel reaches the threshold, or the volume of a voxel is unknown.
    """
    statistics = Statistics()
    for number, values in enumerate(stack.values(), start=1):
        statistics.add(values[values >= threshold])
        progress(0.1 + 0.7 * number / len(stack.slices), f"Slice {number} of {len(stack.slices)}")
    if not statistics.count:
        raise UnusableInput(f"No voxel is at or above {threshold:g} {stack.unit}, so there is nothing to measure.")
    volume_ml = statistics.count * stack.voxel_volume_ml()
    progress(0.85, "Writing the report")
    report = _report(stack, statistics, volume_ml, threshold)
    report.save_as(output_directory / "measurements.dcm", enforce_file_format=True)
    print(f"{statistics.count} voxels, {volume_ml:.2f} ml, mean {statistics.mean:.1f} {stack.unit}.", flush=True)


def _report(stack: PlaneStack, statistics: Statistics, volume_ml: float, threshold: float) -> sr.ComprehensiveSR:
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(highdicom.UID(), f"At or above {threshold:g} {stack.unit}"),
        finding_type=codes.SCT.Bone if stack.modality == "CT" else codes.SCT.Tissue,
        algorithm_id=sr.AlgorithmIdentification("measurements", VERSION, parameters=[f"threshold={threshold:g}"]),
        measurements=_measurements(stack, statistics, volume_ml),
        source_images=[sr.SourceImageForMeasurementGroup.from_source_image(image) for image in stack.slices],
    )
    content = sr.MeasurementReport(_observer(), PROCEDURES[stack.modality], [group])
    report = sr.ComprehensiveSR(
        evidence=stack.slices,
        content=content[0],
        series_instance_uid=highdicom.UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="MAIA",
        is_complete=True,
    )
    report.SeriesDescription = f"Measurements at or above {threshold:g} {stack.unit}"[:64]
    return report


def _measurements(stack: PlaneStack, statistics: Statistics, volume_ml: float) -> list[sr.Measurement]:
    is_ct = stack.modality == "CT"
    unit = codes.UCUM.HounsfieldUnit if is_ct else codes.UCUM.NoUnits
    name = codes.cid7469.AttenuationCoefficient if is_ct else codes.cid7469.MRSignalIntensity
    derived = [
        (codes.SCT.Mean, statistics.mean),
        (codes.SCT.StandardDeviation, statistics.standard_deviation),
        (codes.SCT.Minimum, statistics.lowest),
        (codes.SCT.Maximum, statistics.highest),
    ]
    return [
        sr.Measurement(name=codes.cid7469.VolumeFromVoxelSummation, value=volume_ml, unit=MILLILITRE),
        *(sr.Measurement(name=name, value=value, unit=unit, derivation=derivation) for derivation, value in derived),
    ]


def _observer() -> sr.ObservationContext:
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=highdicom.UID(), manufacturer_name="MAIA", model_name="measurements"
    )
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )


if __name__ == "__main__":
    sys.exit(main(measure, description=__doc__ or ""))
