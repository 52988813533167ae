"""What a requester changed in a request, as it is written down and as people read it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from apps.audit.services import changed
from apps.core.templatetags.ui import day
from apps.registrations.models import Registration

# Told with what they were before. Long texts, people and addresses are told by their name alone.
VALUES: Mapping[str, str] = {
    "project_name": "Project",
    "namespace": "Namespace",
    "wanted_role": "Role",
    "cpus": "CPU cores",
    "memory_gib": "Memory, GiB",
    "gpus": "GPUs",
    "gpu_type": "GPU type",
    "storage_gib": "Storage, GiB",
    "starts_on": "First day",
    "ends_on": "Last day",
}
NAMES: Mapping[str, str] = {
    "name": "name",
    "email": "e-mail address",
    "affiliation": "affiliation",
    "position": "position",
    "purpose": "purpose",
    "terms_version": "terms of data use",
    "description": "description",
    "principal_investigator": "principal investigator",
    "principal_investigator_email": "e-mail of the principal investigator",
    "ethics_reference": "ethics reference",
    "environment_file": "environment",
}
DAYS = ("starts_on", "ends_on")
NONE = "none"


def edits_of(registration: Registration, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The detail of an audit row: all names in `edited`, and before and after of those in VALUES."""
    before = {name: getattr(registration, name) for name in fields}
    names = sorted(name for name in fields if before[name] != fields[name])
    told = {name: changed(_plain(before[name]), _plain(fields[name])) for name in names if name in VALUES}
    return {"edited": names, **told}


def sentence_of(detail: Mapping[str, Any]) -> str:
    """ "CPU cores: 8, was 16; Last day: 30 Jun 2028, was 31 Dec 2027; also: purpose"."""
    values = [
        f"{title}: {_word(name, detail[name]['after'])}, was {_word(name, detail[name]['before'])}"
        for name, title in VALUES.items()
        if name in detail
    ]
    names = ", ".join(title for name, title in NAMES.items() if name in detail["edited"])
    if values and names:
        return f"{'; '.join(values)}; also: {names}"
    return "; ".join(values) or names


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _word(name: str, value: object) -> str:
    if name in DAYS and value:
        return day(date.fromisoformat(str(value)))
    return NONE if value in ("", None) else str(value)
