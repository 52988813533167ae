"""Where each frame of an image lies in its file (PS3.3 C.7.6.3, PS3.5 8 and A.4)."""

from struct import iter_unpack
from typing import Any, NamedTuple

from pydicom.uid import UID, MPEGTransferSyntaxes

from .dataset import Part10
from .elements import PIXEL_DATA, Element
from .refusals import FileRefused

FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA = 0x7FE00008, 0x7FE00009
PIXEL_TAGS = (PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA)
_EXTENDED_OFFSETS = 0x7FE00001
_PROVIDER_URL = 0x00287FE0
_MAX_FRAMES = 1_000_000
_HALF_SAMPLED = {"YBR_FULL_422": 2, "YBR_PARTIAL_422": 2}
_CODESTREAM_STARTS = (b"\xff\xd8", b"\xff\x4f", b"\x00\x00\x00\x0c")

Range = tuple[int, int]


class Geometry(NamedTuple):
    """The size of the frames of an image; `frame_bits` is the native size of one."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    number_of_frames: int
    photometric_interpretation: str

    @property
    def frame_bits(self) -> int:
        samples = _HALF_SAMPLED.get(self.photometric_interpretation, self.samples)
        return self.rows * self.columns * samples * self.bits_allocated


class Frames(NamedTuple):
    """The frames of one object.

    `layout` is `none` (no image), `contiguous` (frame i, from 0, at offset + i × frame_bytes), `fragments` (frame i is
    the joined ranges fragments[i]), `decoded` (frames must be decoded: bit-packed off byte bounds, or big endian) or
    `stream` (video: the joined ranges fragments[0] hold all frames).
    """

    layout: str
    number: int = 0
    offset: int = 0
    frame_bytes: int = 0
    fragments: list[list[Range]] | None = None

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in self._asdict().items() if value is not None}


def pixel_element(part10: Part10) -> Element | None:
    """The element that holds the pixels: integers, floats or doubles."""
    return next((part10.elements[tag] for tag in PIXEL_TAGS if tag in part10.elements), None)


def geometry_of(part10: Part10) -> Geometry:
    """Sizes as the file states them; raises FileRefused when they are missing or impossible."""
    rows, columns = part10.number(0x00280010), part10.number(0x00280011)
    bits_allocated = part10.number(0x00280100)
    if not (rows and columns and bits_allocated):
        raise FileRefused("The image does not say how large it is: Rows, Columns or BitsAllocated is missing or 0.")
    if bits_allocated != 1 and bits_allocated % 8:
        raise FileRefused(f"The image has BitsAllocated {bits_allocated}, which is neither 1 nor whole bytes.")
    samples = part10.number(0x00280002, default=1)
    return Geometry(rows, columns, samples, bits_allocated, _number_of_frames(part10), part10.text(0x00280004))


def frames_of(part10: Part10) -> Frames:
    """Locate all frames; raises FileRefused when the pixel data contradicts the stated sizes."""
    pixels = pixel_element(part10)
    if pixels is None:
        _check_no_image(part10)
        return Frames("none")
    geometry = geometry_of(part10)
    if (pixels.fragments is not None) != UID(part10.transfer_syntax_uid).is_encapsulated:
        raise FileRefused("The pixel data is not encoded as the transfer syntax of the file says.")
    if pixels.fragments is None:
        return _native(part10, pixels, geometry)
    if part10.transfer_syntax_uid in MPEGTransferSyntaxes:
        return Frames("stream", geometry.number_of_frames, fragments=[pixels.fragments[1:]])
    fragments = _grouped(part10, pixels.fragments, geometry.number_of_frames)
    return Frames("fragments", geometry.number_of_frames, fragments=fragments)


def _number_of_frames(part10: Part10) -> int:
    text = part10.text(0x00280008) or "1"
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_FRAMES:
        raise FileRefused("The image has a NumberOfFrames that is not a number from 1 to 1,000,000.")
    return int(text)


def _check_no_image(part10: Part10) -> None:
    rows, columns = part10.number(0x00280010), part10.number(0x00280011)
    if rows and columns and _PROVIDER_URL not in part10.elements:
        raise FileRefused(
            f"The file describes an image of {columns} × {rows} but holds no pixel data; it may be cut short."
        )


def _native(part10: Part10, pixels: Element, geometry: Geometry) -> Frames:
    frame_bits, number = geometry.frame_bits, geometry.number_of_frames
    if (
        geometry.frame_bits * number * 3 == pixels.length * 8 * 2
        and geometry.photometric_interpretation in _HALF_SAMPLED
    ):
        # Some writers keep three whole samples and still say 4:2:2.
        frame_bits = frame_bits * 3 // 2
    _check_length(pixels.length, frame_bits, geometry)
    if frame_bits % 8 or (not part10.is_little_endian and word_bytes(pixels, geometry) > 1):
        return Frames("decoded", number)
    return Frames("contiguous", number, pixels.offset, frame_bits // 8)


def word_bytes(pixels: Element, geometry: Geometry) -> int:
    """The size of the words in which native pixel data is written (PS3.5 8.2): OW swaps even single bytes."""
    return max(geometry.bits_allocated // 8, 1 if pixels.vr == "OB" else 2)


def _check_length(length: int, frame_bits: int, geometry: Geometry) -> None:
    expected = (frame_bits * geometry.number_of_frames + 7) // 8
    if length < expected or length >= expected + max(frame_bits // 8, 2):
        raise FileRefused(
            f"The pixel data does not fit the image: {geometry.number_of_frames} frame(s) of {geometry.columns} × "
            f"{geometry.rows} need {expected} bytes, and there are {length}."
        )


def _grouped(part10: Part10, all_fragments: list[Range], number: int) -> list[list[Range]]:
    table, fragments = all_fragments[:1], all_fragments[1:]
    if len(fragments) < number:
        raise FileRefused(f"The image states {number} frames, but its pixel data has {len(fragments)} parts.")
    if len(fragments) == number:
        return [[fragment] for fragment in fragments]
    if number == 1:
        return [fragments]
    for starts in (_extended_offsets(part10), _basic_offsets(part10, table[0]), None):
        firsts = _firsts_by_content(part10, fragments) if starts is None else _firsts_by_offset(fragments, starts)
        if len(firsts) == number and firsts[0] == 0:
            return [fragments[a:b] for a, b in zip(firsts, [*firsts[1:], len(fragments)], strict=True)]
    raise FileRefused(f"The {number} frames of the image cannot be told apart in its {len(fragments)} parts.")


def _extended_offsets(part10: Part10) -> list[int]:
    element = part10.elements.get(_EXTENDED_OFFSETS)
    return _offsets(part10, (element.offset, element.length), "Q") if element else []


def _basic_offsets(part10: Part10, table: Range) -> list[int]:
    return _offsets(part10, table, "L")


def _offsets(part10: Part10, table: Range, code: str) -> list[int]:
    size = 8 if code == "Q" else 4
    offset, length = table
    if length > size * _MAX_FRAMES:
        return []
    raw = part10.source.read(offset, length - length % size)
    return [value for (value,) in iter_unpack(f"<{code}", raw)]


def _firsts_by_offset(fragments: list[Range], starts: list[int]) -> list[int]:
    """Indexes of the fragments at which frames start; empty when a stated start is not a fragment's."""
    base = fragments[0][0]
    index_of = {offset - base: index for index, (offset, _) in enumerate(fragments)}
    firsts = [index_of.get(start, -1) for start in starts]
    return firsts if -1 not in firsts and firsts == sorted(set(firsts)) else []


def _firsts_by_content(part10: Part10, fragments: list[Range]) -> list[int]:
    """Indexes of the fragments that begin with the mark of a JPEG, JPEG-LS or JPEG 2000 picture."""
    return [
        index
        for index, (offset, _) in enumerate(fragments)
        if part10.source.peek(offset, 4).startswith(_CODESTREAM_STARTS)
    ]
