"""How what is exported names other parts of the export."""

import hashlib

from apps.archives.dicomweb.search import placed


class Addresses:
    """Below `root`, or, without one, relative to where they stand (RFC 3986 5.1.3), so that the export may be moved."""

    def __init__(self, root: str = "") -> None:
        self._root = root.rstrip("/")

    def in_json(self, text: bytes, path: str) -> bytes:
        """DICOM JSON of the answer at `path`, which comes with addresses relative to the root."""
        if self._root:
            return placed(text, "studies/", f"{self._root}/studies/")
        return placed(text, _folder(path), "")

    def of_part(self, address: str, path: str) -> str:
        """Of a part in the answer at `path`."""
        return f"{self._root}/{address}" if self._root else address.removeprefix(_folder(path))

    def digest(self, *parts: object) -> str:
        """Changes when these change, or the way in which addresses are written."""
        return hashlib.sha256(repr((self._root, parts)).encode()).hexdigest()


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]
