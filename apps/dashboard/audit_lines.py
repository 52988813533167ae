"""Audit rows in words: the names of people, projects and subjects, which the rows hold by primary key only."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.apps import apps

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.projects.models import Project

# What a subject is called, by its type. Nothing of a patient: studies go by their description.
CALLED = {
    "accounts.user": "name",
    "accounts.apitoken": "name",
    "accounts.sshkey": "name",
    "accounts.identity": "user__name",
    "archives.study": "study_description",
    "clusters.cluster": "name",
    "core.mail": "subject",
    "jobs.algorithm": "title",
    "jobs.run": "algorithm__title",
    "projects.invitation": "email",
    "projects.membership": "user__name",
    "projects.membershipchange": "user__name",
    "projects.project": "name",
    "registrations.registration": "namespace",
    "workspaces.workspace": "user__name",
}
PEOPLE_IN_DETAIL = ("member", "user")
Key = tuple[str, int]


@dataclass(frozen=True)
class Line:
    entry: Entry
    at: datetime
    actor: User | None
    who: str
    action: str
    project: Project | None
    subject: str
    detail: list[tuple[str, str]]


@dataclass
class Names:
    """All names that some rows need, read in one query a kind of thing."""

    people: Mapping[int, User]
    projects: Mapping[int, Project]
    subjects: dict[Key, str] = field(default_factory=dict)


def lines_of(entries: Sequence[Entry]) -> list[Line]:
    names = _names(entries)
    return [_line(entry, names) for entry in entries]


def action_in_words(action: str) -> str:
    """ "member.role_changed" is "member: role changed"."""
    return action.replace(".", ": ").replace("_", " ")


def _line(entry: Entry, names: Names) -> Line:
    actor = names.people.get(entry.actor_pk or 0)
    return Line(
        entry=entry,
        at=entry.at,
        actor=actor,
        who=actor.name if actor else _nobody(entry),
        action=action_in_words(entry.action),
        project=names.projects.get(entry.project_pk or 0),
        subject=_subject(entry, names),
        detail=[(name.replace("_", " "), _value(name, value, names)) for name, value in entry.detail.items()],
    )


def _nobody(entry: Entry) -> str:
    """Who it was that has no account: a request without a signed-in person, or work of the portal's own."""
    if entry.actor_pk is not None:
        return f"person {entry.actor_pk}, removed"
    return "a visitor" if entry.address else "the portal"


def _subject(entry: Entry, names: Names) -> str:
    if entry.subject_pk is None:
        return ""
    name = names.subjects.get((entry.subject_type, entry.subject_pk))
    return f"{_kind(entry.subject_type)} {entry.subject_pk}" + (f", {name}" if name else "")


def _kind(label: str) -> str:
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except LookupError:  # a table that earlier versions had
        return label


def _value(name: str, value: object, names: Names) -> str:
    match value:
        case {"before": before, "after": after}:
            return f"{_value(name, before, names)} → {_value(name, after, names)}"
        case dict():
            return ", ".join(f"{part.replace('_', ' ')}: {_value(part, inner, names)}" for part, inner in value.items())
        case list():
            return ", ".join(_value(name, part, names) for part in value)
        case int() if name in PEOPLE_IN_DETAIL and value in names.people:
            return names.people[value].name
        case _:
            return _word(value)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


def _names(entries: Iterable[Entry]) -> Names:
    people, projects = set(), set()
    subjects: defaultdict[str, set[int]] = defaultdict(set)
    for entry in entries:
        people |= {entry.actor_pk, *(entry.detail.get(name) for name in PEOPLE_IN_DETAIL)}
        projects.add(entry.project_pk)
        if entry.subject_pk is not None:
            subjects[entry.subject_type].add(entry.subject_pk)
    return Names(
        User.objects.in_bulk([pk for pk in people if isinstance(pk, int)]),
        Project.objects.in_bulk([pk for pk in projects if pk is not None]),
        {key: name for label, pks in subjects.items() for key, name in _called(label, pks).items()},
    )


def _called(label: str, pks: Iterable[int]) -> dict[Key, str]:
    if label not in CALLED:
        return {}
    found = apps.get_model(label)._default_manager.filter(pk__in=pks).values_list("pk", CALLED[label])
    return {(label, pk): str(name) for pk, name in found}
