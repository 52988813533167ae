"""Media types of encapsulated frames by transfer syntax (PS3.18 table 8.7.3-5)."""

from pydicom.uid import UID

_JPEG, _JPEG_LS, _JPEG_2000, _JPEG_2000_PART_2 = "image/jpeg", "image/jls", "image/jp2", "image/jpx"
# All others that are encapsulated are processes of JPEG, many of them retired.
_MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.80": _JPEG_LS,
    "1.2.840.10008.1.2.4.81": _JPEG_LS,
    "1.2.840.10008.1.2.4.90": _JPEG_2000,
    "1.2.840.10008.1.2.4.91": _JPEG_2000,
    "1.2.840.10008.1.2.4.92": _JPEG_2000_PART_2,
    "1.2.840.10008.1.2.4.93": _JPEG_2000_PART_2,
    "1.2.840.10008.1.2.4.100": "video/mpeg",
    "1.2.840.10008.1.2.4.100.1": "video/mpeg",
    "1.2.840.10008.1.2.4.101": "video/mpeg",
    "1.2.840.10008.1.2.4.101.1": "video/mpeg",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.4.110": "image/jxl",
    "1.2.840.10008.1.2.4.111": "image/jxl",
    "1.2.840.10008.1.2.4.112": "image/jxl",
    "1.2.840.10008.1.2.8.1": "application/x-deflate",
}
_MPEG4_AND_LATER = tuple(f"1.2.840.10008.1.2.4.10{number}" for number in range(2, 9))
OCTET_STREAM = "application/octet-stream"
PIXEL_DATA = "7FE00010"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


def frame_form(transfer_syntax_uid: str) -> tuple[str, str]:
    """Media type and transfer syntax of a frame (or a whole video) as it is handed out without being transcoded.

    Native frames are always handed out in little endian.
    """
    if not UID(transfer_syntax_uid).is_encapsulated:
        return OCTET_STREAM, EXPLICIT_LITTLE_ENDIAN
    if transfer_syntax_uid.startswith(_MPEG4_AND_LATER):
        return "video/mp4", transfer_syntax_uid
    return _MEDIA_TYPES.get(transfer_syntax_uid, _JPEG), transfer_syntax_uid
