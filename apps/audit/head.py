"""How far the chain had come, kept outside the database: who removes its newest rows there does not reach this file."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.audit.models import Seal


@dataclass(frozen=True)
class Head:
    """The newest seal."""

    seal_pk: int
    digest: str

    def is_in_chain(self) -> bool:
        return Seal.objects.filter(pk=self.seal_pk, digest=self.digest).exists()


def keep(head: Head) -> None:
    """Remembers the head; written whole or not at all."""
    temporary = _path().with_suffix(".tmp")
    temporary.write_text(f"{head.seal_pk} {head.digest}\n")
    temporary.replace(_path())


def kept() -> Head | None:
    """None before the first seal, and on a machine that has never sealed."""
    try:
        seal_pk, digest = _path().read_text().split()
    except FileNotFoundError:
        return None
    return Head(int(seal_pk), digest)


def _path() -> Path:
    return Path(settings.VAR_DIR) / "audit-head"
