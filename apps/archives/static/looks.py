"""What a file that is not DICOM looks like, so that its refusal can say so."""

_MAGIC = (
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x7fELF", "a Linux program"),
    (0, b"MZ", "a Windows program"),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program"),
    (0, b"#!", "a script"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"\x00\x05\x16\x07", "what macOS notes of a file"),
    (0, b"\x00\x00\x00\x01Bud1", "what macOS notes of a folder"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document or a list of thumbnails of Windows"),
    (0, b"NRRD", "an NRRD volume"),
    (344, b"n+1\x00", "a NIfTI volume"),
    (344, b"ni1\x00", "a NIfTI header"),
    (4, b"n+2\x00", "a NIfTI volume"),
    (257, b"ustar", "a tar archive"),
)
_EXECUTABLE = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!")


def not_dicom_sentence(head: bytes) -> str:
    """Why bytes without the DICM mark are refused; `head` is the first 512 bytes of the file."""
    if not head:
        return "The file is empty."
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return f"This is {kind}, not a DICOM file."
    if _is_text(head):
        return "This is a text file, not a DICOM file."
    if head[0:2] in {b"\x08\x00", b"\x02\x00", b"\x00\x08", b"\x00\x02"}:
        return "The file has no DICOM header (the mark DICM at byte 128): it may be a bare DICOM data set."
    return "This is not a DICOM file: the mark DICM at byte 128 is missing."


def hides_program(preamble: bytes) -> bool:
    """Whether the 128 free bytes at the start make the file executable as well (CVE-2019-11687)."""
    return preamble.startswith(_EXECUTABLE)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return all(character.isprintable() or character.isspace() for character in text)
