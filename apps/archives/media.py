"""Media types of encapsulated frames by transfer syntax (PS3.18 table 8.7.3-5), those of their RFC or as registered."""

_JPEG, _JPEG_LS, _JPEG_2000, _JPEG_2000_PART_2 = "image/jpeg", "image/jls", "image/jp2", "image/jpx"
_MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": _JPEG,
    "1.2.840.10008.1.2.4.51": _JPEG,
    "1.2.840.10008.1.2.4.57": _JPEG,
    "1.2.840.10008.1.2.4.70": _JPEG,
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


def frame_media_type(transfer_syntax_uid: str) -> str:
    """The media type of one frame (or of a whole video) as it is stored; application/octet-stream when unknown."""
    if transfer_syntax_uid.startswith(_MPEG4_AND_LATER):
        return "video/mp4"
    return _MEDIA_TYPES.get(transfer_syntax_uid, "application/octet-stream")
