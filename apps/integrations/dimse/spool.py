"""What comes by C-STORE goes to disk as it comes, never whole into memory."""

import os
import tempfile
import weakref
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pynetdicom import _config, dimse_messages


class Spool:
    """The file of one object, in the place of the temporary file of pynetdicom, which asks for no more than this.

    It is removed with this object, however the association ends, unless it was moved away. What cannot be written is
    dropped, so that the peer hears by its response why; `failure` has it.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        descriptor, self.name = tempfile.mkstemp(dir=folder, suffix=".dcm")
        self.failure: OSError | None = None
        self._left_bytes = most_bytes
        self._file = os.fdopen(descriptor, "wb")
        weakref.finalize(self, _remove, self.name)

    @property
    def file(self) -> "Spool":
        return self

    def write(self, chunk: bytes) -> None:
        if self.failure:
            return
        self._left_bytes -= len(chunk)
        try:
            if self._left_bytes < 0:
                raise FileTooLarge
            self._file.write(chunk)
        except OSError as error:
            self._fail(error)

    def flush(self) -> None:
        """After each fragment, which is too often: the file is flushed when it is closed."""

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.failure = self.failure or error
        _remove(self.name)


class FileTooLarge(OSError):
    """The object is larger than the portal takes."""


def receive_into(folder: Path, *, most_bytes: int) -> None:
    """From now on pynetdicom keeps in `folder` what comes by C-STORE, in this process."""
    _config.STORE_RECV_CHUNKED_DATASET = True
    make = partial(Spool, folder, most_bytes)
    setattr(dimse_messages, "NamedTemporaryFile", lambda **_: make())  # noqa: B010 - no attribute of its type


def spool_of(request: Any) -> Spool:
    """The file of a C-STORE request, closed."""
    spool: Spool = request._dataset_file
    spool.close()
    return spool


def _remove(name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name)
