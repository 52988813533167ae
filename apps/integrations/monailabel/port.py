"""What a MONAI Label server says of itself.

https://monai.readthedocs.io/projects/label/en/latest/modules.html (GET /info/, GET /train/)
"""

from dataclasses import dataclass
from typing import Protocol


class ModelServerUnreachable(Exception):
    """It does not answer, not in time, or not as a MONAI Label server does; the sentence is for people."""


@dataclass(frozen=True)
class LabelModel:
    name: str
    type: str
    labels: tuple[str, ...]
    dimension: int
    description: str


@dataclass(frozen=True)
class ServerInfo:
    name: str
    version: str
    models: tuple[LabelModel, ...]
    is_training: bool


class MonaiLabelApi(Protocol):
    def info(self) -> ServerInfo:
        """Raises ModelServerUnreachable."""
        ...
