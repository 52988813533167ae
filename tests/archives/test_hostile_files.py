"""Files that mean harm, or were harmed: each is refused with a sentence, and the child lives on."""

import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit

from apps.archives.static.pool import ChildPool
from apps.archives.static.refusals import FileRefused

from .dicom_files import image, packaged, save

pytestmark = pytest.mark.attacks

SMALL = np.zeros((4, 4), np.uint16)


def refusal(pool: ChildPool, path: Path) -> str:
    with pytest.raises(FileRefused) as refused:
        pool.call("describe", path=str(path))
    assert "reader fail" not in refused.value.sentence
    return refused.value.sentence


def described_or_refused(pool: ChildPool, path: Path) -> dict[str, Any] | None:
    """The description, or None when the file is refused; fails when its reader died."""
    try:
        return pool.call("describe", path=str(path)).header
    except FileRefused as refused:
        if "reader fail" in refused.sentence:
            raise
        return None


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" + bytes(200), "zip archive"),
        (b"\x7fELF" + bytes(200), "Linux program"),
        (b"MZ" + bytes(200), "Windows program"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "JPEG picture"),
        (bytes(344) + b"n+1\x00" + bytes(200), "NIfTI volume"),
        (b"%PDF-1.7" + bytes(200), "PDF document"),
        (b"Hello, this is a letter.\n" * 20, "text file"),
        ("Grüße aus Köln. ".encode() * 40, "text file"),
        (b"\x08\x00\x05\x00CS" + bytes(200), "no DICOM header"),
        (bytes(range(256)), "DICM"),
    ],
)
def test_what_is_not_dicom_is_named(pool: ChildPool, dicom_file: Path, content: bytes, kind: str) -> None:
    dicom_file.write_bytes(content)
    assert kind in refusal(pool, dicom_file)


@pytest.mark.parametrize("preamble", [b"\x7fELF\x02\x01", b"MZ\x90\x00", b"#!/bin/sh\n", b"\xcf\xfa\xed\xfe"])
def test_a_program_in_the_preamble_is_refused(pool: ChildPool, dicom_file: Path, preamble: bytes) -> None:
    content = packaged("CT_small.dcm").read_bytes()
    dicom_file.write_bytes(preamble + content[len(preamble) :])
    assert "hold a program" in refusal(pool, dicom_file)


def test_a_tiff_in_the_preamble_is_allowed(pool: ChildPool, dicom_file: Path) -> None:
    dicom_file.write_bytes(b"II*\x00" + packaged("CT_small.dcm").read_bytes()[4:])
    assert pool.call("describe", path=str(dicom_file)).header["frames"]["number"] == 1


@pytest.mark.parametrize(
    ("keyword", "value", "sentence"),
    [
        ("StudyInstanceUID", None, "no StudyInstanceUID"),
        ("SeriesInstanceUID", "", "no SeriesInstanceUID"),
        ("SOPInstanceUID", "1.2.../../etc/passwd", "SOPInstanceUID of the file is not a valid UID"),
        ("SOPInstanceUID", "1." + "2" * 63, "not a valid UID"),
        ("StudyInstanceUID", "1..2", "not a valid UID"),
        ("SeriesInstanceUID", "1.2\\1.3", "not a valid UID"),
        ("SOPClassUID", "CT", "SOPClassUID of the file is not a valid UID"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_objects_without_proper_uids_are_refused(
    pool: ChildPool, dicom_file: Path, keyword: str, value: str | None, sentence: str
) -> None:
    data_set = image(SMALL)
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    data_set.file_meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    delattr(data_set, keyword)
    if value is not None:
        data_set.add_new(keyword, "UI", value)
    data_set.save_as(dicom_file, implicit_vr=False, little_endian=True)
    content = dicom_file.read_bytes()
    dicom_file.write_bytes(content if content[128:132] == b"DICM" else bytes(128) + b"DICM" + content)
    assert sentence in refusal(pool, dicom_file)


def test_a_file_cut_off_anywhere_is_refused(pool: ChildPool, dicom_file: Path) -> None:
    rng = random.Random(7)
    for name in ("CT_small.dcm", "MR_small_RLE.dcm", "rtplan.dcm", "image_dfl.dcm", "liver_1frame.dcm"):
        content = packaged(name).read_bytes()
        # The last 8 bytes of the deflated file are a checksum behind its data set.
        for end in sorted(rng.sample(range(132, len(content) - 9), 40)):
            dicom_file.write_bytes(content[:end])
            described = described_or_refused(pool, dicom_file)
            # Cut between two elements, a file that is no image stays well-formed.
            assert described is None or described["frames"]["layout"] == "none"


def test_damaged_bytes_never_kill_a_child(pool: ChildPool, dicom_file: Path) -> None:
    rng = random.Random(11)
    for name in ("CT_small.dcm", "test-SR.dcm", "SC_rgb_rle_2frame.dcm", "examples_palette.dcm"):
        content = packaged(name).read_bytes()
        for _ in range(60):
            damaged = bytearray(content)
            for position in rng.sample(range(132, min(len(damaged), 4000)), 8):
                damaged[position] = rng.randrange(256)
            dicom_file.write_bytes(damaged)
            described_or_refused(pool, dicom_file)


def test_an_impossible_character_set_is_read_as_ascii(pool: ChildPool, dicom_file: Path) -> None:
    content = packaged("CT_small.dcm").read_bytes()
    for name in (b"ISO\0IR 10\0", b"zlib_codec", b"idna      ", b"undefined "):
        dicom_file.write_bytes(content.replace(b"ISO_IR 100", name, 1))
        header, _ = pool.call("describe", path=str(dicom_file))
        assert header["attributes"]["patient"]["00100010"]["Value"] == [{"Alphabetic": "CompressedSamples^CT1"}]


def test_a_deflated_bomb_is_refused(pool: ChildPool, dicom_file: Path) -> None:
    save(image(SMALL), dicom_file, DeflatedExplicitVRLittleEndian)
    content = dicom_file.read_bytes()
    meta_end = 132 + 12 + int.from_bytes(content[140:144], "little")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(16 * 1024 * 1024)
    with dicom_file.open("wb") as file:
        file.write(content[:meta_end])
        for _ in range(64):
            file.write(deflater.compress(zeros))
        file.write(deflater.flush())
    assert dicom_file.stat().st_size < 2 * 1024 * 1024
    assert "512 MiB" in refusal(pool, dicom_file)


def nested(depth: int) -> Dataset:
    level = Dataset()
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = Sequence([level])
        level = outer
    return level


def test_deep_sequences_are_refused(pool: ChildPool, dicom_file: Path) -> None:
    data_set = image(SMALL)
    data_set.update(nested(32))
    save(data_set, dicom_file)
    pool.call("describe", path=str(dicom_file))
    data_set.update(nested(33))
    save(data_set, dicom_file)
    assert "32 deep" in refusal(pool, dicom_file)


def test_thousandfold_nesting_does_not_exhaust_the_stack(pool: ChildPool, dicom_file: Path) -> None:
    save(image(SMALL), dicom_file)
    opening = b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    dicom_file.write_bytes(dicom_file.read_bytes() + opening * 100_000)
    assert "32 deep" in refusal(pool, dicom_file)


@pytest.mark.parametrize(
    "attributes",
    [
        {"Rows": 65535, "Columns": 65535},
        {"NumberOfFrames": 1_000_000},
        {"NumberOfFrames": 2},
        {"Rows": 2},
        {"SamplesPerPixel": 3},
        {"BitsAllocated": 32},
    ],
)
def test_sizes_that_the_pixel_data_contradicts_are_refused(
    pool: ChildPool, dicom_file: Path, attributes: dict[str, int]
) -> None:
    save(image(SMALL, **attributes), dicom_file)
    assert "pixel data does not fit" in refusal(pool, dicom_file)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"Rows": 0}, "how large"),
        ({"BitsAllocated": 12}, "neither 1 nor whole bytes"),
        ({"NumberOfFrames": 0}, "NumberOfFrames"),
        ({"NumberOfFrames": -1}, "NumberOfFrames"),
    ],
)
def test_impossible_sizes_are_refused(
    pool: ChildPool, dicom_file: Path, attributes: dict[str, int], sentence: str
) -> None:
    save(image(SMALL, **attributes), dicom_file)
    assert sentence in refusal(pool, dicom_file)


def test_an_image_without_pixels_is_refused(pool: ChildPool, dicom_file: Path) -> None:
    data_set = image(SMALL)
    del data_set.PixelData
    save(data_set, dicom_file)
    assert "holds no pixel data" in refusal(pool, dicom_file)


def test_native_pixels_under_a_compressed_transfer_syntax_are_refused(pool: ChildPool, dicom_file: Path) -> None:
    save(image(SMALL), dicom_file)
    content = dicom_file.read_bytes()
    explicit, jpeg = b"1.2.840.10008.1.2.1\x00", JPEGBaseline8Bit.encode()
    longer = content.replace(len(explicit).to_bytes(2, "little") + explicit, len(jpeg).to_bytes(2, "little") + jpeg)
    dicom_file.write_bytes(longer)
    assert "not encoded as the transfer syntax" in refusal(pool, dicom_file)


@pytest.mark.parametrize("transfer_syntax_uid", [b"1.2.840.10008.9.9.9\x00", b"1.2.840.113619.5.2\x00\x00"])
def test_an_unknown_transfer_syntax_is_refused(pool: ChildPool, dicom_file: Path, transfer_syntax_uid: bytes) -> None:
    save(image(SMALL), dicom_file)
    known = b"1.2.840.10008.1.2.1\x00"
    dicom_file.write_bytes(dicom_file.read_bytes().replace(known, transfer_syntax_uid, 1))
    assert "does not know" in refusal(pool, dicom_file)


def test_sentences_hold_nothing_of_the_patient(pool: ChildPool, dicom_file: Path) -> None:
    content = packaged("CT_small.dcm").read_bytes()
    for end in range(400, len(content), 1500):
        dicom_file.write_bytes(content[:end])
        assert "CompressedSamples" not in refusal(pool, dicom_file)
