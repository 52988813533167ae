"""One answer of the static layout: where it is asked for, and what it is."""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from apps.archives.dicomweb import multipart
from apps.archives.dicomweb.negotiation import DICOM, DICOM_JSON, MULTIPART
from apps.archives.port import Content
from apps.archives.static.refusals import FileRefused

BOUNDARY = "static-a4c61f0e97b35d82f6e0319c7ab2d458"
"""Of every multipart answer, so that a web server can name it without opening the file. Everybody may know it, and so
it is looked for in what is written."""
_MARK = f"--{BOUNDARY}".encode()
_DIVIDED = "The object has the mark that divides the parts of exported answers; only the portal itself hands it out."
_COMPRESSION = 6


@dataclass(frozen=True)
class Form:
    """What kind of answer it is; `suffix` is that of its file, by which a web server knows the rest."""

    suffix: str
    content_type: str
    content_encoding: str = ""


JSON = Form(".json.gz", DICOM_JSON, "gzip")
THUMBNAIL = Form(".jpg", "image/jpeg")


@dataclass(frozen=True)
class Resource:
    """`path` is what a client asks for, below the root of the service. `chunks` may be read once."""

    path: str
    form: Form
    chunks: Iterable[bytes]

    @property
    def file_name(self) -> str:
        """Where a folder has it, in which `studies` cannot be a file and a folder."""
        return f"{self.path}{self.form.suffix}"


def multipart_form(media_type: str) -> Form:
    """Of multipart/related whose parts are of that type."""
    suffix = media_type.partition("/")[2]
    return Form(f".{suffix}", f'{MULTIPART}; type="{media_type}"; boundary={BOUNDARY}')


WHOLE = multipart_form(DICOM)


def of_parts(path: str, contents: Iterable[tuple[Content, str]], media_type: str) -> Resource:
    """Parts, each with the address by which it is known alone."""
    parts = (multipart.Part(content, address) for content, address in contents)
    return Resource(path, multipart_form(media_type), multipart.written(parts, BOUNDARY))


def undivided(content: Content) -> Content:
    """The same, but reading it raises FileRefused when as a part it would seem to be several."""
    return replace(content, chunks=_without_mark(content.chunks))


def _without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    before = b""
    for chunk in chunks:
        # The mark may begin in one chunk and end in the next.
        if _MARK in chunk or _MARK in before + chunk[: len(_MARK)]:
            raise FileRefused(_DIVIDED)
        yield chunk
        before = (before + chunk[-len(_MARK) :])[-len(_MARK) :]


def written_to(file: IO[bytes], resource: Resource) -> None:
    """Writes the answer as it is sent: packed when it says so; the same bytes for the same answer."""
    if not resource.form.content_encoding:
        file.writelines(resource.chunks)
        return
    with gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as packed:
        packed.writelines(resource.chunks)
