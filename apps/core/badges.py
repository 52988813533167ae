"""How a state is drawn."""

from typing import NamedTuple


class Badge(NamedTuple):
    """Colour (`good`, `busy`, `wait`, `bad`, `off`), icon and word, and the sentence beside it: who acts next."""

    kind: str
    icon: str
    word: str
    sentence: str = ""
