"""The database's own guards: triggers by which it refuses to change or delete audit rows, whoever asks."""

from typing import Any

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

TABLES = ("audit_entry", "audit_seal")
VERBS = {"sqlite": ("update", "delete"), "postgresql": ("update", "delete", "truncate")}
FOUND = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D' AND NOT tgisinternal",
}
FUNCTION = """
    CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit rows are never changed or deleted'; END $$
"""
GUARD = {
    "sqlite": """
        CREATE TRIGGER IF NOT EXISTS {table}_refuses_{verb} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, 'audit rows are never changed or deleted'); END
    """,
    "postgresql": """
        CREATE OR REPLACE TRIGGER {table}_refuses_{verb} BEFORE {verb} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
    """,
}


def missing() -> list[str]:
    """The guards that are gone or switched off: whoever may change the structure of the database can do that."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND[connection.vendor])
        found = {name for (name,) in cursor.fetchall()}
    return [name for table, verb in _places() if (name := f"{table}_refuses_{verb}") not in found]


def put_up() -> None:
    """Twice is once."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(FUNCTION)
        for table, verb in _places():
            cursor.execute(GUARD[connection.vendor].format(table=table, verb=verb))


def take_down() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS audit_refuse() CASCADE")
            return
        for table, verb in _places():
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_refuses_{verb}")


def put_back(**migrated: Any) -> None:
    """After migrations: SQLite forgets the triggers of a table that one of them has built anew.

    Not when the tables were emptied, which also ends in the signal of migrations, but without their plan.
    """
    since = ("audit", "0002_append_only_by_the_database")
    if "plan" in migrated and since in MigrationRecorder(connection).applied_migrations():
        put_up()


def _places() -> list[tuple[str, str]]:
    return [(table, verb) for table in TABLES for verb in VERBS[connection.vendor]]
