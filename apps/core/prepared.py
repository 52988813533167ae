"""Queries for one row whose SQL is written once: that takes the ORM ten times as long as the database takes to answer.

For what is asked with every image. Follows `django.db.models.query.ModelIterable`.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=Model)


class Prepared(Generic[Row]):
    """`make(*values)` builds the query; which one must not depend on the values.

    `kinds` are the types of the values, `str` or `int`.
    """

    def __init__(self, make: Callable[..., QuerySet[Row]], *kinds: type[str] | type[int]) -> None:
        self._make = make
        marks = [_mark(kind, place) for place, kind in enumerate(kinds)]
        self._places = {mark: place for place, mark in enumerate(marks)}

    def first(self, *values: str | int) -> Row | None:
        """The first row as the query loads it, None when there is none."""
        written = self._written
        parameters = [values[self._places[one]] if one in self._places else one for one in written.parameters]
        with connections[written.alias].cursor() as cursor:
            cursor.execute(written.sql, parameters)
            found = cursor.fetchone()
        return None if found is None else written.load(found)

    @cached_property
    def _written(self) -> "_Written":
        written = _write(self._make(*self._places))
        if not self._places.keys() <= set(written.parameters):
            raise ValueError("A value of the query does not stand in its SQL as it is.")
        return written


def _mark(kind: type[str] | type[int], place: int) -> str | int:
    """Stands in the place of a value while the SQL is written; no query has it as a value of its own."""
    return f"\0prepared {place}" if kind is str else 9_000_000_000_000_000_000 + place


class _Written(NamedTuple):
    alias: str
    sql: str
    parameters: tuple[Any, ...]
    compiler: Any
    fields: slice
    names: list[str]
    populators: list[Any]

    def load(self, found: tuple[Any, ...]) -> Any:
        (values,) = self.compiler.results_iter([[found]])
        row = self.compiler.klass_info["model"].from_db(self.alias, self.names, values[self.fields])
        for populator in self.populators:
            populator.populate(values, row)
        return row


def _write(query: QuerySet[Any]) -> _Written:
    compiler: Any = query.query.get_compiler(using=query.db)
    sql, parameters = compiler.as_sql()
    selected = compiler.klass_info["select_fields"]
    fields = slice(selected[0], selected[-1] + 1)
    names = [column.target.attname for column, *_ in compiler.select[fields]]
    # The stubs are of a newer Django.
    populators = get_related_populators(compiler.klass_info, compiler.select, query.db)  # type: ignore[call-arg]
    return _Written(query.db, sql, tuple(parameters), compiler, fields, names, populators)
