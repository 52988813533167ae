"""What is there against what is wanted."""

from collections.abc import Iterator
from typing import Any


def differences(wanted: Any, actual: Any, path: str = "") -> list[str]:
    """The fields of `wanted` that `actual` has otherwise or not at all, as dotted paths.

    What the API server or a controller has added to an object is no difference; an element more in a list is one.
    """
    return list(_differences(wanted, actual, path))


def _differences(wanted: Any, actual: Any, path: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(actual, dict):
        for name, value in wanted.items():
            yield from _differences(value, actual.get(name), f"{path}.{name}" if path else name)
    elif isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        for number, (one, other) in enumerate(zip(wanted, actual, strict=True)):
            yield from _differences(one, other, f"{path}[{number}]")
    elif wanted != actual:
        yield path
