"""How far the chain had come, kept outside the database: who removes its newest rows there does not reach this file."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.audit.models import Seal


@dataclass(frozen=True)
class Head:
    """The newest seal. As text: "<seal's number> <digest>"."""

    seal_pk: int
    digest: str

    @classmethod
    def of(cls, text: str) -> "Head":
        """Raises ValueError for what is no head."""
        seal_pk, digest = text.split()
        return cls(int(seal_pk), digest)

    def __str__(self) -> str:
        return f"{self.seal_pk} {self.digest}"

    def is_in_chain(self) -> bool:
        return Seal.objects.filter(pk=self.seal_pk, digest=self.digest).exists()


def newest() -> Head | None:
    """As the database tells it; None before the first seal."""
    last = Seal.objects.order_by("-pk").first()
    return Head(last.pk, last.digest) if last else None


def keep(head: Head) -> None:
    """Remembers the head; written whole or not at all."""
    temporary = _path().with_suffix(".tmp")
    temporary.write_text(f"{head}\n")
    temporary.replace(_path())


def kept() -> Head | None:
    """None before the first seal, and on a machine that has never sealed."""
    try:
        return Head.of(_path().read_text())
    except FileNotFoundError:
        return None


def _path() -> Path:
    return Path(settings.VAR_DIR) / "audit-head"
