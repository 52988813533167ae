"""A bucket in memory; tests/integrations/test_bucket_contract.py holds it to what the real one does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO


@dataclass(frozen=True)
class Stored:
    content: bytes
    content_type: str
    content_encoding: str


@dataclass
class MemoryBucket:
    objects: dict[str, Stored] = field(default_factory=dict)

    def put(self, key: str, body: IO[bytes], *, content_type: str, content_encoding: str = "") -> None:
        body.seek(0)
        self.objects[key] = Stored(body.read(), content_type, content_encoding)

    def get(self, key: str) -> bytes | None:
        found = self.objects.get(key)
        return None if found is None else found.content

    def keys(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def delete(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            self.objects.pop(key, None)
