"""Values of an object's elements, read from its metadata in the DICOM JSON model (PS3.18 F.2)."""

from typing import Any

from apps.archives.services import JsonDataSet


def values(dataset: JsonDataSet, tag: str) -> list[Any]:
    """All values of an element, none when it is absent."""
    found: list[Any] = dataset.get(tag, {}).get("Value", [])
    return found


def items(dataset: JsonDataSet, tag: str) -> list[JsonDataSet]:
    """The items of a sequence, none when it is absent or something else."""
    return [item for item in values(dataset, tag) if isinstance(item, dict)]


def first(dataset: JsonDataSet, tag: str) -> Any:
    """The first value of an element, "" when it has none; of a person name its alphabetic group."""
    value = next(iter(values(dataset, tag)), "")
    return next(iter(value.values()), "") if isinstance(value, dict) else value


def number_in(dataset: JsonDataSet, tag: str) -> float | None:
    """The first value of an element; None when it has none, or what is no number."""
    try:
        return float(first(dataset, tag))
    except (TypeError, ValueError):
        return None
