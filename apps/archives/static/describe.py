"""All that the store keeps in its rows about one P10 file."""

import json
from dataclasses import asdict
from typing import Any

from pydicom.datadict import tag_for_keyword

from .dataset import Part10, open_part10
from .frames import Frames, frames_of, pixel_element
from .identity import identity_of
from .metadata import Metadata, metadata_of
from .values import WORD_BYTES, JsonDataSet


def _tags(keywords: str) -> frozenset[str]:
    """Tags as the DICOM JSON model has them."""
    return frozenset(f"{tag_for_keyword(keyword):08X}" for keyword in keywords.split())


PATIENT_TAGS = _tags(
    "PatientName PatientID IssuerOfPatientID IssuerOfPatientIDQualifiersSequence PatientBirthDate PatientSex "
    "PatientAge PatientComments"
)
STUDY_TAGS = _tags(
    "StudyInstanceUID StudyDate StudyTime TimezoneOffsetFromUTC StudyID AccessionNumber "
    "IssuerOfAccessionNumberSequence ReferringPhysicianName StudyDescription ProcedureCodeSequence"
)
SERIES_TAGS = _tags(
    "SeriesInstanceUID SeriesNumber Modality SeriesDescription SeriesDate SeriesTime BodyPartExamined ProtocolName "
    "Manufacturer ManufacturerModelName InstitutionName Laterality FrameOfReferenceUID PerformedProcedureStepStartDate "
    "PerformedProcedureStepStartTime RequestAttributesSequence"
)
INSTANCE_TAGS = _tags(
    "SOPClassUID SOPInstanceUID AvailableTransferSyntaxUID InstanceNumber ImageType AcquisitionNumber AcquisitionDate "
    "AcquisitionTime ContentDate ContentTime ImagePositionPatient ImageOrientationPatient PixelSpacing SliceThickness "
    "Rows Columns NumberOfFrames SamplesPerPixel PhotometricInterpretation BitsAllocated BitsStored HighBit "
    "PixelRepresentation ConversionType ConceptNameCodeSequence CompletionFlag VerificationFlag DocumentTitle "
    "SegmentationType ContentLabel"
)


def describe(path: str) -> tuple[dict[str, Any], bytes]:
    """Describe the P10 file at `path`: a JSON header and, as body, its metadata as one DICOM JSON object (PS3.18 F).

    Header: the four UIDs, `transfer_syntax_uid`, `attributes` (`patient`, `study`, `series`, `instance`: DICOM JSON of
    the attributes that QIDO-RS matches and returns, PS3.18 10.6), `frames` (see `Frames`), `bulk` (path → offset,
    length, vr, is_direct) and `is_inflated`. Offsets are in the file, or, when `is_inflated`, in the file with its
    data set inflated. A bulk value that is not `is_direct` is to be had from the child. Every BulkDataURI is relative
    to the root of the DICOMweb service. Raises FileRefused.
    """
    with open_part10(path) as part10:
        identity = identity_of(part10)
        frames = frames_of(part10)
        metadata = metadata_of(part10, bulk_address=f"{identity.address}/bulkdata")
        header = {
            **asdict(identity),
            "transfer_syntax_uid": part10.transfer_syntax_uid,
            "is_inflated": part10.source.is_inflated,
            "attributes": _attributes(metadata.attributes),
            "frames": _servable(frames, part10).as_json(),
            "bulk": _bulk(metadata, part10),
        }
    return header, _compact_json(metadata.attributes)


def _attributes(attributes: JsonDataSet) -> dict[str, JsonDataSet]:
    levels = {"patient": PATIENT_TAGS, "study": STUDY_TAGS, "series": SERIES_TAGS, "instance": INSTANCE_TAGS}
    return {level: {tag: attributes[tag] for tag in sorted(tags & attributes.keys())} for level, tags in levels.items()}


def _servable(frames: Frames, part10: Part10) -> Frames:
    """Ranges of an inflated data set are of no use on the file itself."""
    return Frames("decoded", frames.number) if part10.source.is_inflated and frames.number else frames


def _bulk(metadata: Metadata, part10: Part10) -> dict[str, dict[str, Any]]:
    pixels = pixel_element(part10)
    encapsulated = f"{pixels.tag:08X}" if pixels and pixels.fragments is not None else None
    return {
        path: {"offset": offset, "length": length, "vr": vr, "is_direct": _is_direct(vr, part10)}
        for path, (offset, length, vr) in metadata.bulk.items()
        if path != encapsulated
    }


def _is_direct(vr: str, part10: Part10) -> bool:
    return not part10.source.is_inflated and (part10.is_little_endian or vr not in WORD_BYTES)


def _compact_json(attributes: JsonDataSet) -> bytes:
    return json.dumps(attributes, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
