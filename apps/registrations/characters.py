"""Characters that deceive the eye: those that cannot be seen, and letters of other scripts."""

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def first_unseen(text: str, *, allowed: str = "") -> int | None:
    """Where the first character stands that leaves no mark of its own, or turns the writing round; None without one."""
    found = (at for at, one in enumerate(text) if unicodedata.category(one) in UNSEEN and one not in allowed)
    return next(found, None)


def first_foreign(text: str) -> int | None:
    """Where the first letter or digit stands that is not ASCII; None without one."""
    return next((at for at, one in enumerate(text) if not one.isascii() and one.isalnum()), None)


def name_of(character: str) -> str:
    """As Unicode calls it: "U+0430 CYRILLIC SMALL LETTER A"."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
