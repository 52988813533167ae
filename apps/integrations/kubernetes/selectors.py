"""What a label or field selector selects, for the twin.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from typing import Any

from apps.integrations.kubernetes.port import Manifest

# A comma between parentheses belongs to its set.
BETWEEN = re.compile(r",(?![^(]*\))")
IN_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)")


def has_labels(manifest: Manifest, selector: str) -> bool:
    labels = manifest["metadata"].get("labels", {})
    return all(_meets(labels, term.strip()) for term in BETWEEN.split(selector) if term.strip())


def has_fields(manifest: Manifest, selector: str) -> bool:
    terms = [re.split(r"(!=|==|=)", term.strip(), maxsplit=1) for term in selector.split(",") if term.strip()]
    return all((_field(manifest, name) == value) is (sign != "!=") for name, sign, value in terms)


def _field(manifest: Manifest, dotted: str) -> str:
    value: Any = manifest
    for name in dotted.split("."):
        value = value.get(name, "") if isinstance(value, dict) else ""
    return str(value)


def _meets(labels: dict[str, str], term: str) -> bool:
    if found := IN_SET.fullmatch(term):
        key, word, values = found.groups()
        # Kubernetes counts what lacks the label to those that are not in the set.
        return (labels.get(key) in {value.strip() for value in values.split(",")}) is (word == "in")
    if len(parts := re.split(r"(!=|==|=)", term, maxsplit=1)) == 3:
        key, sign, value = (part.strip() for part in parts)
        return (labels.get(key) == value) is (sign != "!=")
    return (term.lstrip("!") in labels) is not term.startswith("!")
