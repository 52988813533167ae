"""Describing a file tells all that the archive needs to know about it, or why it is refused."""

import json
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless

from apps.archives.static.objects import read_range
from apps.archives.static.pool import ChildPool, Reply
from apps.archives.static.refusals import FileRefused

from .dicom_files import ALL_FILES, image, packaged, save

NOT_STORED = {
    "rtstruct.dcm": "no DICOM header",
    "ExplVR_BigEndNoMeta.dcm": "no DICOM header",
    "ExplVR_LitEndNoMeta.dcm": "no DICOM header",
    "no_meta.dcm": "mark DICM",
    "crayons.icc": "mark DICM",
    "zipMR.gz": "gzip file",
    "badVR.dcm": "NumberOfFrames",
    "rtplan_truncated.dcm": "cut short",
    "MR_truncated.dcm": "cut short",
    "meta_missing_tsyntax.dcm": "TransferSyntaxUID",
    **dict.fromkeys(
        ["JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm", "UN_sequence.dcm", "no_meta_group_length.dcm"],
        "no StudyInstanceUID",
    ),
    **dict.fromkeys(
        ["SC_rgb_jls_lossy_sample.dcm", "SC_rgb_jls_lossy_line.dcm", "nested_priv_SQ.dcm", "priv_SQ.dcm"],
        "no StudyInstanceUID",
    ),
    "empty_charset_LEI.dcm": "no StudyInstanceUID",
}


def expected_refusal(path: Path) -> str | None:
    if path.name.startswith("DICOMDIR"):
        return "DICOMDIR"
    if path.suffix in {".txt", ".dump", ".json"} or path.name == "README":
        return "text file"
    return NOT_STORED.get(path.name)


def frame_bytes(path: Path, header: dict[str, Any]) -> list[bytes]:
    frames = header["frames"]
    if frames["layout"] == "contiguous":
        size = frames["frame_bytes"]
        ranges = [[(frames["offset"] + number * size, size)] for number in range(frames["number"])]
    else:
        ranges = frames["fragments"]
    return [b"".join(read_range(path, one)) for one in ranges]


def pydicom_frame_bytes(data_set: Dataset, number: int) -> list[bytes]:
    if data_set.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(generate_frames(data_set.PixelData, number_of_frames=number))
    size = pydicom.pixels.utils.get_expected_length(data_set) // number
    return [data_set.PixelData[start : start + size] for start in range(0, size * number, size)]


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: path.name)
def test_every_packaged_file_is_described_or_refused_with_its_reason(pool: ChildPool, path: Path) -> None:
    reason = expected_refusal(path)
    if reason:
        with pytest.raises(FileRefused, match=reason):
            pool.call("describe", path=str(path))
        return
    header, body = pool.call("describe", path=str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = pydicom.dcmread(path)
        restored = Dataset.from_json(body.decode(), lambda *_: b"")
        assert header["sop_instance_uid"] == original.SOPInstanceUID
        assert header["transfer_syntax_uid"] == original.file_meta.TransferSyntaxUID
        assert_same_attributes(original, restored)
        if header["frames"]["layout"] in {"contiguous", "fragments"}:
            assert frame_bytes(path, header) == pydicom_frame_bytes(original, header["frames"]["number"])
        else:
            assert "PixelData" not in original or header["frames"]["layout"] == "decoded"


def assert_same_attributes(original: Dataset, restored: Dataset) -> None:
    kept = {tag for tag in original.keys() if tag.element and tag.group > 2 and tag != 0xFFFCFFFC}  # noqa: SIM118
    assert {element.tag for element in restored} - {0x00083002} == kept - {0x00083002}
    for element in restored:
        if element.VR not in {"SQ", "OB", "OW", "UN"} and element.tag not in {0x00080005, 0x00083002}:
            expected = unpadded(original[element.tag].value)
            assert element.value == expected or (not element.value and not expected), element.tag


def unpadded(value: Any) -> Any:
    if isinstance(value, MultiValue):
        return [unpadded(one) for one in value]
    return value.strip(" ") if isinstance(value, str) else value


def test_attributes_of_each_level_are_dicom_json(pool: ChildPool) -> None:
    header, _ = pool.call("describe", path=str(packaged("CT_small.dcm")))
    attributes = header["attributes"]
    assert attributes["patient"]["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "CompressedSamples^CT1"}]}
    assert attributes["study"]["00080020"] == {"vr": "DA", "Value": ["20040119"]}
    assert attributes["series"]["00080060"] == {"vr": "CS", "Value": ["CT"]}
    assert attributes["instance"]["00280010"] == {"vr": "US", "Value": [128]}
    assert attributes["instance"]["00083002"] == {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}


def test_pixels_and_long_binary_values_are_left_in_the_file(pool: ChildPool, dicom_file: Path) -> None:
    data_set = image(np.zeros((4, 4), np.uint8))
    secret = bytes(range(256)) * 8
    data_set.add_new(0x00091002, "OB", secret)
    data_set.add_new(0x00091003, "OB", secret[:1024])
    header, body = pool.call("describe", path=str(save(data_set, dicom_file)))
    metadata = json.loads(body)
    address = (
        f"studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}"
        f"/instances/{data_set.SOPInstanceUID}/bulkdata"
    )
    assert metadata["7FE00010"] == {"vr": "OW", "BulkDataURI": f"{address}/7FE00010"}
    assert metadata["00091002"] == {"vr": "OB", "BulkDataURI": f"{address}/00091002"}
    assert "InlineBinary" in metadata["00091003"]
    bulk = header["bulk"]["00091002"]
    assert bulk["is_direct"]
    assert b"".join(read_range(dicom_file, [(bulk["offset"], bulk["length"])])) == secret


def test_metadata_is_sorted_at_every_level(pool: ChildPool) -> None:
    def check(level: dict[str, Any]) -> None:
        assert list(level) == sorted(level)
        for attribute in level.values():
            if attribute["vr"] == "SQ":
                for item in attribute.get("Value", []):
                    check(item)

    for name in ("test-SR.dcm", "liver_1frame.dcm", "rtplan.dcm"):
        check(json.loads(pool.call("describe", path=str(packaged(name))).body))


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        (["ISO_IR 100"], "Müller^Jörg"),
        (["ISO_IR 144"], "Люкceмбypг"),
        (["ISO_IR 192"], "王^小東"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["GB18030"], "王^小东"),
    ],
)
def test_text_of_any_character_set_becomes_unicode(
    pool: ChildPool, dicom_file: Path, character_set: list[str], name: str
) -> None:
    data_set = image(np.zeros((2, 2), np.uint8), SpecificCharacterSet=character_set, PatientName=name)
    header, body = pool.call("describe", path=str(save(data_set, dicom_file)))
    (value,) = header["attributes"]["patient"]["00100010"]["Value"]
    assert "=".join(value.values()) == name
    assert json.loads(body)["00080005"]["Value"] == ["ISO_IR 192"]


def test_numbers_that_json_cannot_hold_become_strings(pool: ChildPool, dicom_file: Path) -> None:
    data_set = image(np.zeros((2, 2), np.uint8))
    data_set.add_new(0x00091002, "FD", [1.5, float("nan"), float("-inf")])
    data_set.add_new(0x00091004, "DS", ["1.50", "", "2e3"])
    data_set.add_new(0x00091005, "AT", [0x00100020])
    metadata = json.loads(pool.call("describe", path=str(save(data_set, dicom_file))).body)
    assert metadata["00091002"]["Value"] == [1.5, "NaN", "-Infinity"]
    assert metadata["00091004"]["Value"] == [1.5, None, 2000.0]
    assert metadata["00091005"]["Value"] == ["00100020"]


def encapsulated(frames: list[bytes], pieces: int, table: str) -> Dataset:
    data_set = image(np.zeros((len(frames), 8, 8), np.uint8))
    if table == "extended":
        data_set.PixelData, offsets, lengths = encapsulate_extended(frames)
        data_set.ExtendedOffsetTable, data_set.ExtendedOffsetTableLengths = offsets, lengths
    else:
        data_set.PixelData = encapsulate(frames, fragments_per_frame=pieces, has_bot=table == "basic")
    data_set["PixelData"].VR = "OB"
    data_set["PixelData"].is_undefined_length = True
    return data_set


@pytest.mark.parametrize(("pieces", "table"), [(1, "none"), (1, "extended"), (3, "basic"), (3, "none")])
def test_encapsulated_frames_are_found_by_table_or_by_content(
    pool: ChildPool, dicom_file: Path, pieces: int, table: str
) -> None:
    frames = [b"\xff\xd8" + bytes([number] * (40 + 10 * number)) + b"\xff\xd9" for number in range(1, 5)]
    save(encapsulated(frames, pieces, table), dicom_file, JPEGBaseline8Bit)
    header, _ = pool.call("describe", path=str(dicom_file))
    assert [len(one) for one in header["frames"]["fragments"]] == [pieces] * 4
    assert frame_bytes(dicom_file, header) == frames


def test_all_fragments_belong_to_a_single_frame(pool: ChildPool, dicom_file: Path) -> None:
    save(encapsulated([b"\xff\x4f" + bytes(62)], 4, "none"), dicom_file, JPEG2000Lossless)
    assert len(pool.call("describe", path=str(dicom_file)).header["frames"]["fragments"][0]) == 4


def test_frames_that_cannot_be_told_apart_are_refused(pool: ChildPool, dicom_file: Path) -> None:
    save(encapsulated([bytes(64), bytes(64)], 2, "none"), dicom_file, JPEGLSLossless)
    with pytest.raises(FileRefused, match="cannot be told apart"):
        pool.call("describe", path=str(dicom_file))


def test_frames_of_single_bits_are_decoded_when_they_begin_within_a_byte(pool: ChildPool, dicom_file: Path) -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 2, (5, 3, 7), dtype=np.uint8)
    data_set = image(frames, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
    data_set.PixelData = packed + b"\0" * (len(packed) % 2)
    save(data_set, dicom_file)
    assert pool.call("describe", path=str(dicom_file)).header["frames"]["layout"] == "decoded"
    for number, frame in enumerate(frames, 1):
        header, body = pool.call("decode_frame", path=str(dicom_file), frame=number)
        bits = np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little")[: frame.size]
        assert header["bits_allocated"] == 1
        np.testing.assert_array_equal(bits.reshape(frame.shape), frame)


@pytest.mark.parametrize("name", ["MR_small_bigendian.dcm", "SC_rgb_small_odd_big_endian.dcm", "rtdose_expb.dcm"])
def test_big_endian_frames_come_in_little_endian(pool: ChildPool, name: str) -> None:
    expected = pydicom.dcmread(packaged(name)).pixel_array
    header, _ = pool.call("describe", path=str(packaged(name)))
    assert header["frames"]["layout"] == "decoded"
    for number in range(1, header["frames"]["number"] + 1):
        _, body = pool.call("decode_frame", path=str(packaged(name)), frame=number)
        frame = expected if header["frames"]["number"] == 1 else expected[number - 1]
        assert body == frame.astype(frame.dtype.newbyteorder("<")).tobytes()


def test_bulk_values_of_deflated_and_big_endian_files_come_from_a_child(pool: ChildPool) -> None:
    for name, plain in (("image_dfl.dcm", None), ("MR_small_bigendian.dcm", "MR_small.dcm")):
        path = packaged(name)
        header, _ = pool.call("describe", path=str(path))
        bulk = header["bulk"]["7FE00010"]
        assert not bulk.pop("is_direct")
        expected = pydicom.dcmread(packaged(plain) if plain else path).PixelData
        assert pool.call("extract", path=str(path), **bulk).body[: len(expected)] == expected


def test_a_large_file_is_not_read_whole(dicom_file: Path) -> None:
    """A sparse 3 GiB multi-frame image, described by a child that may use 512 MiB."""
    data_set = image(np.zeros((1, 1024, 1024), np.uint16), NumberOfFrames=1536)
    save(data_set, dicom_file)
    length = 1536 * 1024 * 1024 * 2
    content = bytearray(dicom_file.read_bytes()[: -2 * 1024 * 1024])
    content[-4:] = length.to_bytes(4, "little")
    with dicom_file.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + length)
    small_pool = ChildPool(1, memory_bytes=512 * 1024 * 1024)
    try:
        frames = small_pool.call("describe", path=str(dicom_file)).header["frames"]
        assert (frames["number"], frames["offset"]) == (1536, len(content))
        assert small_pool.call("render", path=str(dicom_file), frame=1536).header["width"] == 1024
    finally:
        small_pool.close()


def test_leading_zeros_in_uids_pass(pool: ChildPool, dicom_file: Path) -> None:
    data_set = image(np.zeros((2, 2), np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set.StudyInstanceUID = "1.2.0840.003"
        reply: Reply = pool.call("describe", path=str(save(data_set, dicom_file)))
    assert reply.header["study_instance_uid"] == "1.2.0840.003"


def test_ranges_of_frames_do_not_overlap(pool: ChildPool) -> None:
    frames = pool.call("describe", path=str(packaged("examples_ybr_color.dcm"))).header["frames"]
    ranges = sorted(tuple(one) for fragments in frames["fragments"] for one in fragments)
    assert frames["number"] == len(ranges) == 30
    assert all(offset + length <= following for (offset, length), (following, _) in pairwise(ranges))


def test_private_sequences_are_kept(pool: ChildPool, dicom_file: Path) -> None:
    item = Dataset()
    item.add_new(0x00110010, "LO", "MAKER")
    item.add_new(0x00111001, "SH", "inner")
    data_set = image(np.zeros((2, 2), np.uint8))
    data_set.add_new(0x00091001, "SQ", Sequence([item, Dataset()]))
    metadata = json.loads(pool.call("describe", path=str(save(data_set, dicom_file))).body)
    inner, empty = metadata["00091001"]["Value"]
    assert inner["00111001"] == {"vr": "SH", "Value": ["inner"]}
    assert empty == {}
