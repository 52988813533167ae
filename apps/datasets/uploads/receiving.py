"""Files of a request on their way to the archive: streamed to disk, closed at once, gone with the request."""

import os
import tempfile
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

SUFFIX = ".upload"
"""Of all that an upload keeps in FILE_UPLOAD_TEMP_DIR, which Django names so too."""


class ReceivedFile(UploadedFile):  # type: ignore[type-arg]
    """A whole file on disk. Closing removes it, unless the archive has taken it by then."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        super().__init__(name=name, size=size)
        self.path = path

    def close(self) -> None:
        self.path.unlink(missing_ok=True)


class KeepOnDisk(FileUploadHandler):
    """Like Django's TemporaryFileUploadHandler, but holds no file open: a folder may have more files than a process
    may open."""

    file: IO[bytes]
    path: Path

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        descriptor, name = tempfile.mkstemp(suffix=SUFFIX, dir=settings.FILE_UPLOAD_TEMP_DIR)
        self.file, self.path = os.fdopen(descriptor, "wb"), Path(name)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            self.file.write(raw_data)
        except OSError:
            self.upload_interrupted()
            raise

    def file_complete(self, file_size: int) -> ReceivedFile:
        self.file.close()
        return ReceivedFile(self.path, self.file_name or "", file_size)

    def upload_interrupted(self) -> None:
        """The connection ended inside a file, or the disk is full: what came of it is no file."""
        self.path.unlink(missing_ok=True)
        self.file.close()
