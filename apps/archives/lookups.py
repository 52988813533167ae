"""Wildcards of DICOM, `*` and `?` (PS3.4 C.2.2.2.4), in the database: two lookups of text columns."""

import re
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup

Sql = tuple[str, tuple[str | int, ...]]


class _Wildcards(Lookup):
    def compared(self, operator: str, compiler: Any, connection: BaseDatabaseWrapper) -> Sql:
        left, left_parameters = self.process_lhs(compiler, connection)
        right, (pattern,) = self.process_rhs(compiler, connection)
        literal = re.sub(r"([\\%_])", r"\\\1", str(pattern)).replace("*", "%").replace("?", "_")
        return f"{left} {operator} {right} ESCAPE '\\'", (*left_parameters, literal)


@CharField.register_lookup
class WildInAnyCase(_Wildcards):
    """`column__wild_in_any_case=pattern`: upper and lower case alike; SQLite knows that of ASCII alone."""

    lookup_name = "wild_in_any_case"

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Sql:
        return self.compared("LIKE", compiler, connection)

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Sql:
        return self.compared("ILIKE", compiler, connection)


@CharField.register_lookup
class Wild(_Wildcards):
    """`column__wild=pattern`: in the case that is asked for."""

    lookup_name = "wild"

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> Sql:
        return self.compared("LIKE", compiler, connection)

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> Sql:
        # LIKE knows no case here; GLOB has the same wildcards, and sets of characters in brackets.
        left, left_parameters = self.process_lhs(compiler, connection)
        right, (pattern,) = self.process_rhs(compiler, connection)
        return f"{left} GLOB {right}", (*left_parameters, str(pattern).replace("[", "[[]"))
