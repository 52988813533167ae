"""One frame of an image as an array; only that frame is read and held in memory."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import unpack_bits
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRLittleEndian

from .dataset import DataSet, Part10, open_part10
from .elements import Element
from .frames import (
    DOUBLE_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    Frames,
    Geometry,
    frames_of,
    geometry_of,
    pixel_element,
    word_bytes,
)
from .refusals import FileRefused

MAX_FRAME_BYTES = 512 * 1024 * 1024
# What pydicom and the decoders below it raise for damaged or unsupported pixel data.
DECODER_ERRORS = (
    ArithmeticError, AttributeError, LookupError, NotImplementedError, OSError, RuntimeError, struct.error, TypeError,
    ValueError,
)  # fmt: skip

Pixels = NDArray[Any]


def decode_frame(path: str, frame: int) -> tuple[dict[str, Any], bytes]:
    """Frame `frame` (from 1) as native little endian bytes (PS3.5 8.1); frames of 1 bit packed from bit 0.

    The header names `bits_allocated`, `photometric_interpretation` and `samples_per_pixel` of what the body holds:
    colours by pixel, as the decoder gave them. Raises FileRefused.
    """
    with open_part10(path) as part10:
        located = located_frame(part10, frame)
        if located.geometry.bits_allocated == 1:
            packed = np.packbits(located.pixels(is_raw=True).astype(np.uint8).ravel(), bitorder="little")
            return _native_header(located, 1), packed.tobytes()
        pixels = located.pixels(is_raw=True)
        little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
        return _native_header(located, pixels.dtype.itemsize * 8), little.tobytes()


def _native_header(located: "LocatedFrame", bits_allocated: int) -> dict[str, Any]:
    return {
        "transfer_syntax_uid": str(ExplicitVRLittleEndian),
        "bits_allocated": bits_allocated,
        "samples_per_pixel": located.geometry.samples,
        "photometric_interpretation": located.photometric_interpretation,
    }


def located_frame(part10: Part10, frame: int) -> "LocatedFrame":
    """Frame `frame` (from 1); raises FileRefused when there is no such frame or it cannot be decoded at all."""
    frames = frames_of(part10)
    if frames.layout == "none":
        raise FileRefused("The file holds no image.")
    if frames.layout == "stream":
        raise FileRefused("The file holds a video, whose single frames are not decoded here.")
    if not 1 <= frame <= frames.number:
        raise FileRefused(f"The image has {frames.number} frame(s); frame {frame} does not exist.")
    geometry = geometry_of(part10)
    if geometry.frame_bits // 8 > MAX_FRAME_BYTES:
        raise FileRefused("One frame of the image takes more than 512 MiB, which is not decoded.")
    return LocatedFrame(part10, frames, geometry, frame - 1)


class LocatedFrame:
    """One frame that is known to exist; `pixels` decodes it."""

    def __init__(self, part10: Part10, frames: Frames, geometry: Geometry, index: int) -> None:
        self.part10 = part10
        self.geometry = geometry
        self.index = index
        self.photometric_interpretation = geometry.photometric_interpretation
        self._frames = frames

    def pixels(self, *, is_raw: bool = False) -> Pixels:
        """Array of rows × columns (× samples): stored values, YBR turned into RGB unless `is_raw`.

        Raises FileRefused when the decoders cannot read the frame.
        """
        if self.geometry.bits_allocated == 1 and self._frames.fragments is None:
            return self._unpacked_bits()
        try:
            pixels, properties = get_decoder(self._syntax()).as_array(self._single_frame(), index=0, raw=is_raw)
        except DECODER_ERRORS as error:
            raise FileRefused("The pixel data of this frame cannot be decoded.") from error
        self.photometric_interpretation = str(properties["photometric_interpretation"])
        return pixels

    def _unpacked_bits(self) -> Pixels:
        raw, first_bit = self._bits()
        bits = unpack_bits(raw)[first_bit : first_bit + self.geometry.frame_bits]
        shape = (self.geometry.rows, self.geometry.columns)
        return np.asarray(bits).reshape(shape if self.geometry.samples == 1 else (*shape, self.geometry.samples))

    def _bits(self) -> tuple[bytes, int]:
        start = self.index * self.geometry.frame_bits
        end = start + self.geometry.frame_bits
        return self._native_bytes(start // 8, (end + 7) // 8), start % 8

    def _native_bytes(self, start: int, end: int) -> bytes:
        """Bytes `start` to `end` of the native pixel data, in little endian order."""
        element = self._element()
        read = self.part10.source.read
        if self.part10.is_little_endian:
            return read(element.offset + start, end - start)
        size = word_bytes(element, self.geometry)
        first = start - start % size
        words = read(element.offset + first, end - first + -(end - first) % size)
        return swapped(words, size)[start - first : end - first]

    def _element(self) -> Element:
        element = pixel_element(self.part10)
        if element is None:
            raise FileRefused("The file holds no image.")
        return element

    def _syntax(self) -> UID:
        """Native frames are handed on in little endian, however the file has them."""
        return ExplicitVRLittleEndian if self._frames.fragments is None else UID(self.part10.transfer_syntax_uid)

    def _single_frame(self) -> Dataset:
        """A data set of this frame alone, as pydicom's decoders take it."""
        data_set = to_pydicom(self.part10, group=0x0028)
        data_set.NumberOfFrames = 1
        if self._frames.frame_bytes * 8 > self.geometry.frame_bits:
            data_set.PhotometricInterpretation = "YBR_FULL"
        data_set.file_meta = FileMetaDataset()
        data_set.file_meta.TransferSyntaxUID = self._syntax()
        data_set.set_original_encoding(is_implicit_vr=False, is_little_endian=True)
        element = self._element()
        keyword = {FLOAT_PIXEL_DATA: "FloatPixelData", DOUBLE_PIXEL_DATA: "DoubleFloatPixelData"}.get(
            element.tag, "PixelData"
        )
        setattr(data_set, keyword, self._bytes(element))
        data_set[keyword].VR = "OB" if self._frames.fragments is not None else element.vr[:2]
        return data_set

    def _bytes(self, element: Element) -> bytes:
        read = self.part10.source.read
        if self._frames.fragments is not None:
            ranges = self._frames.fragments[self.index]
            return encapsulate([b"".join(read(offset, length) for offset, length in ranges)], has_bot=False)
        frame_bytes = self._frames.frame_bytes or self.geometry.frame_bits // 8
        return self._native_bytes(self.index * frame_bytes, (self.index + 1) * frame_bytes)


def swapped(raw: bytes, word_size: int) -> bytes:
    """Big endian words of 1, 2, 4 or 8 bytes in little endian order; an incomplete last word is dropped."""
    whole = len(raw) - len(raw) % word_size
    return np.frombuffer(raw[:whole], f">u{word_size}").astype(f"<u{word_size}").tobytes()


def to_pydicom(data_set: DataSet, *, group: int) -> Dataset:
    """The elements of one group, sequences with all that is in them, as pydicom has them."""
    chosen = {tag: element for tag, element in data_set.elements.items() if tag >> 16 == group}
    converted = _converted(data_set, chosen)
    converted.set_original_encoding(is_implicit_vr=False, is_little_endian=data_set.is_little_endian)
    return converted


def _converted(data_set: DataSet, elements: dict[int, Element]) -> Dataset:
    converted = Dataset()
    for tag, element in elements.items():
        if element.items is not None:
            items = [_converted(data_set, item) for item in element.items]
            converted.add_new(tag, "SQ", items)
            continue
        raw = data_set.source.read(element.offset, element.length)
        vr = element.vr if len(element.vr) == 2 else None
        little = data_set.is_little_endian
        converted[BaseTag(tag)] = RawDataElement(
            BaseTag(tag), vr, element.length, raw, element.offset, vr is None, little
        )
    return converted
