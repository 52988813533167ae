"""How every list of the API is narrowed. A module of its own, since the framework's views load it while they load."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from apps.core.api import Unprocessable, sentence_of


class ByForm(BaseFilterBackend):
    """By the view's `filter_form` and `narrowed(rows, form)`; a view without them takes no filters.

    Raises Unprocessable for a filter that there is not, and for a value that cannot be read:
    otherwise a program that mistypes a filter would take everything for what it asked for.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        form = getattr(view, "filter_form", Form)(request.query_params)
        _refuse_unknown(request, known={*form.fields, *_paging(view)})
        if not form.is_valid():
            raise Unprocessable(sentence_of(form.errors))
        return view.narrowed(queryset, form) if form.fields else queryset


def _refuse_unknown(request: Request, *, known: set[str]) -> None:
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        raise Unprocessable(f"{ascii(unknown[0])[:40]}: There is no such filter. There are {', '.join(sorted(known))}.")


def _paging(view: Any) -> list[str]:
    """The parameters that leaf through the list."""
    return [parameter["name"] for parameter in view.paginator.get_schema_operation_parameters(view)]
