"""The database's own guards (migration 0002): it refuses to change or delete audit rows, whoever asks."""

from django.db import connection

TABLES = ("audit_entry", "audit_seal")
REFUSED = {"sqlite": ("update", "delete"), "postgresql": ("update", "delete", "truncate")}
FOUND = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D' AND NOT tgisinternal",
}


def missing() -> list[str]:
    """The guards that are gone or switched off: whoever may change the structure of the database can do that."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND[connection.vendor])
        found = {name for (name,) in cursor.fetchall()}
    return [name for name in _names() if name not in found]


def _names() -> list[str]:
    return [f"{table}_refuses_{verb}" for table in TABLES for verb in REFUSED[connection.vendor]]
