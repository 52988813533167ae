"""The numbers that an algorithm takes besides its series: declared by it, checked at launch, passed as options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class ArgumentInvalid(ValueError):
    """An argument is unknown or out of range; the message is a sentence for the person."""


@dataclass(frozen=True)
class Argument:
    """One `[[arguments]]` of an algorithm.toml."""

    name: str
    title: str
    help: str
    default: float
    minimum: float
    maximum: float


def declared(content: Sequence[Mapping[str, Any]]) -> list[Argument]:
    return [Argument(**fields) for fields in content]


def complete(arguments: Sequence[Argument], given: Mapping[str, Any]) -> dict[str, float]:
    """The value of every declared argument: as given, else its default. Raises ArgumentInvalid."""
    unknown = sorted(set(given) - {argument.name for argument in arguments})
    if unknown:
        raise ArgumentInvalid(f"The algorithm takes no argument called {str(unknown[0])[:60]}.")
    return {argument.name: _checked(argument, given.get(argument.name, argument.default)) for argument in arguments}


def options(arguments: Mapping[str, float]) -> list[str]:
    """As the algorithm's command line takes them."""
    return [f"--{name}={value!r}" for name, value in sorted(arguments.items())]


def _checked(argument: Argument, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentInvalid(f"{argument.title} must be a number.")
    if not argument.minimum <= value <= argument.maximum:
        raise ArgumentInvalid(f"{argument.title} must be from {argument.minimum:g} to {argument.maximum:g}.")
    return int(value) if value == int(value) else value
