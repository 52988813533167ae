"""Reads of the audit rows that stay quick with millions of them: newest first, each page from where the last ended."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Model, Q, QuerySet

from apps.audit.models import Entry

CHUNK = 1000
# PostgreSQL and SQLite read all rows for SELECT DISTINCT; so each step is one look into the index.
ACTIONS = """
    WITH RECURSIVE found(action) AS (
        SELECT min(action) FROM audit_entry
        UNION ALL
        SELECT (SELECT min(action) FROM audit_entry WHERE action > found.action) FROM found
        WHERE found.action IS NOT NULL
    )
    SELECT action FROM found WHERE action IS NOT NULL
"""


@dataclass(frozen=True)
class Wanted:
    """Which rows; None and "" stand for any."""

    actors: Collection[int] | None = None
    projects: Collection[int] | None = None
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


def actions() -> list[str]:
    """Every action that has a row, in alphabetical order."""
    with connection.cursor() as cursor:
        cursor.execute(ACTIONS)
        return [action for (action,) in cursor.fetchall()]


def matching(wanted: Wanted) -> QuerySet[Entry]:
    """Newest first; `until` is the first moment that is too late."""
    asked = {
        "actor_pk__in": wanted.actors,
        "project_pk__in": wanted.projects,
        "action": wanted.action or None,
        "at__gte": wanted.since,
        "at__lt": wanted.until,
    }
    return Entry.objects.filter(**{name: value for name, value in asked.items() if value is not None}).order_by(
        "-at", "-pk"
    )


def rows_about(subject: Model, action: str) -> QuerySet[Entry]:
    """What was done so on this row, oldest first."""
    about = {"subject_type": subject._meta.label_lower, "subject_pk": subject.pk}
    return Entry.objects.filter(action=action, **about).order_by("pk")


def older_than(rows: QuerySet[Entry], entry: Entry) -> QuerySet[Entry]:
    """The rows of the list that come after this one."""
    return rows.filter(Q(at__lt=entry.at) | Q(pk__lt=entry.pk), at__lte=entry.at)


def in_chunks(rows: QuerySet[Entry]) -> Iterator[list[Entry]]:
    """All of the rows, in short queries: no transaction stays open however slowly they are taken."""
    chunk = list(rows[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(older_than(rows, chunk[-1])[:CHUNK])
