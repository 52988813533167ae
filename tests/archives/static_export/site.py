"""An exported folder, read as a web server with the shipped rules hands it out."""

import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.http import HttpResponse

from tests.archives.dicomweb import parts_of
from tests.portal import REPOSITORY

RULES = REPOSITORY / "deploy" / "nginx" / "static-dicomweb.conf"
# Of frames and bulk values: Content-Type by the suffix of the file.
CONTENT_TYPES = {
    f".{suffix}": content_type
    for content_type, suffix in re.findall(r"^ +'(multipart/related; .*)' ([a-z0-9-]+);$", RULES.read_text(), re.M)
}
WHOLE_TYPE = re.findall(r"default_type '(multipart/related; .*)';", RULES.read_text())[0]


@dataclass
class Site:
    root: Path

    def json(self, path: str) -> Any:
        return json.loads(gzip.decompress((self.root / f"{path}.json.gz").read_bytes()))

    def whole(self, path: str) -> bytes:
        """The object at the path, which must be one part."""
        ((content_type, content),) = self._parts(self.root / f"{path}.dicom", WHOLE_TYPE)
        assert content_type.startswith("application/dicom; transfer-syntax=")
        return content

    def parts(self, path: str) -> list[tuple[str, bytes]]:
        """Content-Type and bytes of each part of frames or of a bulk value."""
        place = self.root / path
        (file,) = (found for suffix in CONTENT_TYPES if (found := place.with_name(place.name + suffix)).exists())
        return self._parts(file, CONTENT_TYPES[file.suffix])

    def files(self) -> dict[str, tuple[int, bytes]]:
        """All that is there for others, with the inode, which changes when a file is written again."""
        found = sorted(path for path in self.root.rglob("*") if path.is_file() and ".export" not in path.parts)
        return {str(path.relative_to(self.root)): (path.stat().st_ino, path.read_bytes()) for path in found}

    def _parts(self, file: Path, content_type: str) -> list[tuple[str, bytes]]:
        parts = parts_of(HttpResponse(file.read_bytes(), content_type=content_type))
        assert all(kind.partition(";")[0] in content_type for kind, _ in parts)
        return parts
