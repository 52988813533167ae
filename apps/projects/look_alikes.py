"""Namespaces that a reader may take for each other (UTS #39, "confusable")."""

import re

ALIKE = {"o": "0", "l": "1", "i": "1", "m": "rn", "w": "vv"}


def skeleton_of(namespace: str) -> str:
    """The same for all DNS labels that read alike, up to twice as long as the label; itself no name."""
    return "".join(ALIKE.get(letter, letter) for letter in re.sub("-+", "-", namespace))
