"""The database as it was before migrations, for tests of what these do to rows that are there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

State = Sequence[tuple[str, str]]


@contextmanager
def migrated_back(state: State) -> Iterator[Any]:
    """The tables as they were, with the models of then; in the end, as they are now again."""
    yield _migrate(state)
    migrate_on()


def migrate_on() -> None:
    """To what the code asks for."""
    _migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())


def _migrate(state: State) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(list(state))
    return executor.loader.project_state(list(state)).apps
