"""What a column may hold is declared once in Python, and guarded by the database in the same words."""

import pytest
from django.apps import apps
from django.db.models import CheckConstraint, Model, Q

from apps.core.state import Stateful

Column = tuple[type[Model], str]


def declared() -> list[Column]:
    models = list(apps.get_app_config("projects").get_models())
    chosen = [(model, field.name) for model in models for field in model._meta.fields if field.choices]
    return chosen + [(model, "status") for model in models if issubclass(model, Stateful)]


def values_of(model: type[Model], name: str) -> set[str]:
    choices = model._meta.get_field(name).choices
    return {value for value, _ in choices} if choices else set(model.Status.values)  # type: ignore[attr-defined]


def guarded(model: type[Model], name: str) -> set[str]:
    conditions = [one.condition for one in model._meta.constraints if isinstance(one, CheckConstraint)]
    children = [child for condition in conditions if isinstance(condition, Q) for child in condition.children]
    return {value for lookup, values in children if lookup == f"{name}__in" for value in values}


@pytest.mark.parametrize("column", declared(), ids=lambda column: f"{column[0].__name__}.{column[1]}")
def test_the_database_takes_what_is_declared_and_nothing_else(column: Column) -> None:
    assert guarded(*column) == values_of(*column) != set()
