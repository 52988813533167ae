"""The rules that one output must hold. Each yields what it finds broken: the attribute's keyword and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID

from apps.archives.static.dataset import DataSet, Part10, open_part10
from apps.archives.static.frames import frames_of
from apps.archives.static.identity import Identity, identity_of
from apps.archives.static.refusals import FileRefused
from apps.archives.static.values import encodings_of, json_value
from apps.jobs.gate_report import Expected, InputImage, InputSummary

Broken = Iterator[tuple[str, str]]

PATIENT_ATTRIBUTES = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
SEGMENTATION, PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.30"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
STRUCTURED_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
MUST_REFER = {SEGMENTATION, PARAMETRIC_MAP, STRUCTURE_SET}
MODALITIES = {
    SEGMENTATION: "SEG",
    STRUCTURE_SET: "RTSTRUCT",
    "1.2.840.10008.5.1.4.1.1.481.2": "RTDOSE",
    "1.2.840.10008.5.1.4.1.1.481.5": "RTPLAN",
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.11.1": "PR",
    "1.2.840.10008.5.1.4.1.1.88.59": "KO",
    "1.2.840.10008.5.1.4.1.1.104.1": "DOC",
}

SPECIFIC_CHARACTER_SET, MODALITY = 0x00080005, 0x00080060
ROWS, COLUMNS = 0x00280010, 0x00280011
STUDY_UID, SERIES_UID = 0x0020000D, 0x0020000E
REFERENCED_CLASS_UID, REFERENCED_INSTANCE_UID = 0x00081150, 0x00081155
FRAME_OF_REFERENCE_UIDS = {0x00200052: "FrameOfReferenceUID", 0x30060024: "ReferencedFrameOfReferenceUID"}
STEPS_AND_VISITS = {0x00081110, 0x00081111, 0x00081120, 0x00081125}
"""Sequences that name studies, performed steps, patients and visits, not images (PS3.3 C.7.2.1, C.7.3.1, C.4.13)."""


def summarise_inputs(input_directory: Path) -> InputSummary:
    """Read the headers of all staged inputs; raises `FileRefused` for one that is no Part 10, `ValueError` for none."""
    summary: InputSummary | None = None
    images: dict[str, InputImage] = {}
    series, frames_of_reference = set(), set()
    for path in sorted(input_directory.rglob("*.dcm")):
        with open_part10(str(path)) as part10:
            identity = identity_of(part10)
            images[identity.sop_instance_uid] = InputImage(
                identity.sop_class_uid, part10.number(ROWS), part10.number(COLUMNS)
            )
            series.add(identity.series_instance_uid)
            frames_of_reference |= {part10.text(tag) for tag in FRAME_OF_REFERENCE_UIDS} - {""}
            summary = summary or InputSummary(
                identity.study_instance_uid, frozenset(), frozenset(), patient_of(part10), {}
            )
    if summary is None:
        raise ValueError("no input was staged")
    return InputSummary(
        summary.study_instance_uid, frozenset(series), frozenset(frames_of_reference), summary.patient, images
    )


def patient_of(part10: Part10) -> dict[str, Any]:
    """The patient's attributes as JSON values, so that two character sets of one name compare as equal."""
    encodings = encodings_of(part10.texts(SPECIFIC_CHARACTER_SET))
    values = {}
    for keyword in PATIENT_ATTRIBUTES:
        tag = tag_for_keyword(keyword) or 0
        raw = part10.value(tag) or b""
        values[keyword] = json_value(
            dictionary_VR(tag), raw, is_little_endian=part10.is_little_endian, encodings=encodings
        )
    return values


def broken_rules(
    path: Path, inputs: InputSummary, expected: Expected, siblings: Mapping[str, Identity]
) -> list[tuple[str, str]]:
    """All that is broken in one output, which must be Part 10 with an identity; `siblings` are this run's outputs."""
    with open_part10(str(path)) as part10:
        identity = identity_of(part10)
        return [
            *_file_meta(path, identity),
            *_patient_and_study(part10, identity, inputs),
            *_new_uids(identity, inputs),
            *_sop_class(part10, identity, expected),
            *_pixels(part10),
            *_references(part10, identity, inputs, siblings),
            *_segmentation_size(part10, identity, inputs),
        ]


def _file_meta(path: Path, identity: Identity) -> Broken:
    try:
        meta = read_file_meta_info(path)
        named = (meta.get("MediaStorageSOPClassUID"), meta.get("MediaStorageSOPInstanceUID"))
    except (InvalidDicomError, NotImplementedError, ValueError):
        yield "FileMetaInformationVersion", "The file meta information (group 2) is damaged."
        return
    if named[0] != identity.sop_class_uid:
        yield "MediaStorageSOPClassUID", "The MediaStorageSOPClassUID of the file differs from its SOPClassUID."
    if named[1] != identity.sop_instance_uid:
        yield (
            "MediaStorageSOPInstanceUID",
            "The MediaStorageSOPInstanceUID of the file differs from its SOPInstanceUID.",
        )


def _patient_and_study(part10: Part10, identity: Identity, inputs: InputSummary) -> Broken:
    patient = patient_of(part10)
    for keyword in PATIENT_ATTRIBUTES:
        if patient[keyword] != inputs.patient[keyword]:
            yield keyword, f"The {keyword} is not that of the input images."
    if identity.study_instance_uid != inputs.study_instance_uid:
        yield "StudyInstanceUID", "The StudyInstanceUID is not that of the input images."


def _new_uids(identity: Identity, inputs: InputSummary) -> Broken:
    for keyword, value in (
        ("SeriesInstanceUID", identity.series_instance_uid),
        ("SOPInstanceUID", identity.sop_instance_uid),
    ):
        if not UID(value).is_valid:
            yield keyword, f"The {keyword} is not a valid UID (PS3.5 9.1)."
    if identity.series_instance_uid in inputs.series_instance_uids:
        yield "SeriesInstanceUID", "The SeriesInstanceUID is that of the input series; an output needs a new one."
    if identity.sop_instance_uid in inputs.images:
        yield "SOPInstanceUID", "The SOPInstanceUID is that of an input image; an output needs a new one."


def _sop_class(part10: Part10, identity: Identity, expected: Expected) -> Broken:
    sop_class_uid = identity.sop_class_uid
    if sop_class_uid not in expected.sop_class_uids:
        name = UID(sop_class_uid).name
        yield "SOPClassUID", f"The SOPClassUID ({name}) is not one that the algorithm declares to produce."
    modality = part10.text(MODALITY)
    wanted = MODALITIES.get(sop_class_uid) or ("SR" if sop_class_uid.startswith(STRUCTURED_REPORTS) else modality)
    if not modality or modality != wanted:
        yield "Modality", f"The Modality must be {wanted or 'given'} for an object of its SOPClassUID."


def _pixels(part10: Part10) -> Broken:
    try:
        frames_of(part10)
    except FileRefused as refused:
        yield "PixelData", refused.sentence


def _references(part10: Part10, identity: Identity, inputs: InputSummary, siblings: Mapping[str, Identity]) -> Broken:
    known = {uid: image.sop_class_uid for uid, image in inputs.images.items()}
    if identity.sop_class_uid not in MUST_REFER:
        known |= {uid: sibling.sop_class_uid for uid, sibling in siblings.items()}
    series = inputs.series_instance_uids | {sibling.series_instance_uid for sibling in siblings.values()}
    refers_to_input = False
    for level in _nested(part10):
        for uid in level.texts(REFERENCED_INSTANCE_UID):
            refers_to_input |= uid in inputs.images
            if known.get(uid) != level.text(REFERENCED_CLASS_UID):
                yield "ReferencedSOPInstanceUID", "A ReferencedSOPInstanceUID is not one of the inputs of this run."
                return
        if level.text(STUDY_UID) not in ("", inputs.study_instance_uid):
            yield "StudyInstanceUID", "A reference names a StudyInstanceUID other than that of the inputs."
            return
        if level.text(SERIES_UID) not in series | {""}:
            yield "SeriesInstanceUID", "A reference names a SeriesInstanceUID other than those of the inputs."
            return
    if identity.sop_class_uid in MUST_REFER and not refers_to_input:
        yield "ReferencedSOPInstanceUID", "The object refers to none of the inputs that it is made from."
    yield from _frames_of_reference(part10, inputs)


def _frames_of_reference(part10: Part10, inputs: InputSummary) -> Broken:
    for level in (part10, *_nested(part10)):
        for tag, keyword in FRAME_OF_REFERENCE_UIDS.items():
            if level.text(tag) not in inputs.frame_of_reference_uids | {""}:
                yield keyword, f"The {keyword} is not that of the input images."
                return


def _segmentation_size(part10: Part10, identity: Identity, inputs: InputSummary) -> Broken:
    if identity.sop_class_uid != SEGMENTATION:
        return
    if (part10.number(ROWS), part10.number(COLUMNS)) not in {(i.rows, i.columns) for i in inputs.images.values()}:
        yield "Rows", "The Rows and Columns of the segmentation are not those of any input image."


def _nested(level: DataSet) -> Iterator[DataSet]:
    """All items of all sequences at every depth, but for those that never name images."""
    for tag, element in level.elements.items():
        if element.items is not None and tag not in STEPS_AND_VISITS:
            for item in level.items(tag):
                yield item
                yield from _nested(item)
