"""A bucket as the target of an export: every object says what it is, so that the bucket alone serves it."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from apps.archives.static_export.resources import JSON, WHOLE, Form, Resource, written_to
from apps.archives.static_export.target import TargetFailed
from apps.integrations.objectstore.port import BucketApi, BucketFailed

_NOTES = ".export/notes/"
_NAMED = (WHOLE, JSON)
_IN_MEMORY_BYTES = 4 * 1024**2


class BucketTarget:
    """See `target.Target`. What is below `prefix` is the export's own; two exports at once are not kept apart.

    Keys are the addresses that clients ask for. A bucket that keeps objects in folders cannot have `studies` beside
    `studies/1.2`: `has_file_names` gives what may have others below it the name of its file, as
    deploy/nginx/static-dicomweb-bucket.conf knows. Everything else is at its address.
    """

    def __init__(self, bucket: BucketApi, prefix: str, *, has_file_names: bool = False) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._has_file_names = has_file_names

    @contextmanager
    def held(self) -> Iterator[None]:
        try:
            yield
        except BucketFailed as failure:
            raise TargetFailed(str(failure)) from failure

    def put(self, resource: Resource) -> None:
        self._write(resource.path + self._suffix(resource.form), resource)

    def settle(self) -> None:
        """Whatever was put is lasting."""

    def remove(self, path: str) -> None:
        itself = {f"{self._prefix}{path}{self._suffix(form)}" for form in _NAMED}
        self._bucket.delete([*itself, *self._bucket.keys(f"{self._prefix}{path}/")])

    def note(self, name: str) -> bytes | None:
        packed = self._bucket.get(self._prefix + _NOTES + name)
        return None if packed is None else gzip.decompress(packed)

    def write_note(self, name: str, content: bytes) -> None:
        self._write(_NOTES + name, Resource(_NOTES + name, JSON, [content]))

    def remove_note(self, name: str) -> None:
        self._bucket.delete([self._prefix + _NOTES + name])

    def note_names(self) -> Iterable[str]:
        folder = self._prefix + _NOTES
        return (key.removeprefix(folder) for key in self._bucket.keys(folder))

    def _suffix(self, form: Form) -> str:
        return form.suffix if self._has_file_names and form in _NAMED else ""

    def _write(self, key: str, resource: Resource) -> None:
        form = resource.form
        with SpooledTemporaryFile(_IN_MEMORY_BYTES) as spooled:
            body = cast(IO[bytes], spooled)
            written_to(body, resource)
            self._bucket.put(
                self._prefix + key, body, content_type=form.content_type, content_encoding=form.content_encoding
            )
