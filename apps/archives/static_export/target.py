"""Where an export goes."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from apps.archives.static_export.resources import Resource


class TargetFailed(Exception):
    """The target cannot be written; the sentence says why, for who chose it."""


class Target(Protocol):
    """All methods raise TargetFailed or OSError, and `put` passes on what reading a resource raises.

    Notes are what the export remembers of itself, by name; nobody else is to read them.
    """

    def held(self) -> AbstractContextManager[None]:
        """For the time of an export. What killed ones left half-written is removed."""

    def put(self, resource: Resource) -> None:
        """Whole or not at all, in place of an older one. Lasting once `settle` returns. Safe for threads."""

    def settle(self) -> None:
        """Makes lasting what was put."""

    def remove(self, path: str) -> None:
        """The list, object, series or study at the path, and all below it. What is gone is as wished."""

    def note(self, name: str) -> bytes | None:
        """None when there is none."""

    def write_note(self, name: str, content: bytes) -> None:
        """Lasting when this returns."""

    def remove_note(self, name: str) -> None:
        """What is gone is as wished."""

    def note_names(self) -> Iterable[str]:
        """Of all notes that there are."""
