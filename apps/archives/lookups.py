from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup


@CharField.register_lookup
class Like(Lookup):
    """`column__like=pattern`: SQL's % and _, backslash to escape, upper and lower case alike."""

    lookup_name = "like"
    operator = "LIKE"

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        return f"{left} {self.operator} {right} ESCAPE '\\'", (*left_parameters, *right_parameters)

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        sql, parameters = self.as_sql(compiler, connection)
        return sql.replace(f" {self.operator} ", " ILIKE ", 1), parameters
