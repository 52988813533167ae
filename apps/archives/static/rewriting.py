"""Writing an object anew for a peer that takes no other transfer syntax."""

import os
from io import BytesIO

from pydicom import dcmread
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from .refusals import FileRefused

MAX_REWRITE_BYTES = 512 * 1024 * 1024
_PLAIN = {ImplicitVRLittleEndian, ExplicitVRLittleEndian}


def rewrite(path: str, transfer_syntax_uid: str) -> tuple[dict[str, object], bytes]:
    """The Part 10 object in implicit or explicit VR little endian, its values as they are.

    Raises FileRefused for compressed and big endian objects, and for those over 512 MiB.
    """
    if os.stat(path).st_size > MAX_REWRITE_BYTES:
        raise FileRefused("The object is larger than 512 MiB and is sent only as it is stored.")
    data_set = dcmread(path)
    if data_set.file_meta.TransferSyntaxUID not in _PLAIN | {DeflatedExplicitVRLittleEndian}:
        raise FileRefused("The object is sent only as it is stored.")
    wanted = UID(transfer_syntax_uid)
    data_set.file_meta.TransferSyntaxUID = wanted
    written = BytesIO()
    data_set.save_as(written, implicit_vr=wanted.is_implicit_VR, little_endian=True, enforce_file_format=True)
    return {}, written.getvalue()
