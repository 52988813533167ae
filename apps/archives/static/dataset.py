"""A scanned Part 10 file (PS3.10 7.1), and typed reading of its few elements that the store itself needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from .elements import Elements, Scanner, Syntax
from .looks import hides_program, not_dicom_sentence
from .refusals import FileRefused
from .source import FileSource

SHARED_FUNCTIONAL_GROUPS, PER_FRAME_FUNCTIONAL_GROUPS = 0x52009229, 0x52009230
_META_SYNTAX = Syntax(is_implicit=False, is_little_endian=True)
_META_START = 132
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_TEXT_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class DataSet:
    """One level of elements, read on demand from their file."""

    source: FileSource
    elements: Elements
    is_little_endian: bool = True

    def value(self, tag: int) -> bytes | None:
        """The raw value, None when the element is absent or too long to be what the store reads (64 KiB)."""
        element = self.elements.get(tag)
        if element is None or element.length > _TEXT_LIMIT_BYTES:
            return None
        return self.source.read(element.offset, element.length)

    def texts(self, tag: int) -> list[str]:
        """The values of an ASCII string element, without padding; an absent or empty element has none."""
        raw = self.value(tag)
        if not raw:
            return []
        return [text.strip(" \0") for text in raw.decode("ascii", "replace").rstrip(" \0").split("\\")]

    def text(self, tag: int) -> str:
        """The first value of `texts`, or the empty string."""
        return next(iter(self.texts(tag)), "")

    def number(self, tag: int, default: int = 0) -> int:
        """An unsigned short (US) such as Rows; `default` when absent."""
        raw = self.value(tag)
        return int.from_bytes(raw[:2], self.byte_order) if raw else default

    def decimals(self, tag: int) -> list[float]:
        """Numbers written as text (DS, IS); empty when one of them is no number."""
        try:
            return [float(text) for text in self.texts(tag)]
        except ValueError:
            return []

    def items(self, tag: int) -> "list[DataSet]":
        """The items of a sequence, none when it is absent."""
        element = self.elements.get(tag)
        return [DataSet(self.source, item, self.is_little_endian) for item in (element and element.items) or []]

    @property
    def byte_order(self) -> Literal["little", "big"]:
        return "little" if self.is_little_endian else "big"


@dataclass(frozen=True, slots=True)
class Part10(DataSet):
    """The main data set of a file, and how it is written."""

    transfer_syntax_uid: str = ""


@contextmanager
def open_part10(path: str) -> Iterator[Part10]:
    """Scan the file at `path`; raises FileRefused with the reason when it is no whole Part 10 object."""
    with FileSource(path) as source:
        yield _scan(source)


def _scan(source: FileSource) -> Part10:
    head = source.read(0, 512)
    if head[128:132] != b"DICM":
        raise FileRefused(not_dicom_sentence(head))
    if hides_program(head):
        raise FileRefused("The free bytes at the start of the file hold a program, which is not accepted.")
    meta, body_start = _file_meta(source)
    transfer_syntax_uid = meta.text(0x00020010)
    _check_meta(meta, transfer_syntax_uid)
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        source.inflate_from(body_start)
    syntax = _syntax(source, body_start, transfer_syntax_uid)
    elements, _ = Scanner(source).scan(body_start, source.size, syntax)
    return Part10(source, elements, syntax.is_little_endian, transfer_syntax_uid)


def _file_meta(source: FileSource) -> tuple[DataSet, int]:
    """Group 2, found by its tags: the group length is often wrong."""
    scanner = Scanner(source)
    elements: Elements = {}
    position = _META_START
    while source.read(position, 2) == b"\x02\x00":
        element = scanner.first(position, source.size, _META_SYNTAX)
        elements[element.tag] = element
        position = element.offset + element.length
    return DataSet(source, elements), position


def _check_meta(meta: DataSet, transfer_syntax_uid: str) -> None:
    if meta.text(0x00020002) == _MEDIA_DIRECTORY:
        raise FileRefused("This is a DICOMDIR, the table of contents of a disc; it holds no images itself.")
    if not transfer_syntax_uid:
        raise FileRefused("The file does not say how it is written: TransferSyntaxUID (0002,0010) is missing.")
    syntax = UID(transfer_syntax_uid)
    if syntax.is_private or not syntax.is_transfer_syntax:
        raise FileRefused("The file is written in a transfer syntax that the archive does not know.")


def _syntax(source: FileSource, start: int, transfer_syntax_uid: str) -> Syntax:
    """What the transfer syntax says, except where the first element shows that it is not so, as seen from vendors."""
    if transfer_syntax_uid == ExplicitVRBigEndian:
        return Syntax(is_implicit=False, is_little_endian=False)
    vr = source.read(start + 4, 2)
    looks_explicit = vr.isalpha() and vr.isupper()
    is_implicit = transfer_syntax_uid == ImplicitVRLittleEndian and not looks_explicit
    return Syntax(is_implicit=is_implicit, is_little_endian=True)
