"""Lists that people narrow by a form and leaf through."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.forms import Form
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)


def holding(rows: QuerySet[Row], words: Iterable[str], *fields: str) -> QuerySet[Row]:
    """Those that hold each of the words in one of the fields, in upper or lower case."""
    for word in words:
        in_any = Q()
        for field in fields:
            in_any |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(in_any)
    return rows


def listed(
    request: HttpRequest, form: Form, find: Callable[[dict[str, Any]], QuerySet[Row]], *, rows_a_page: int
) -> dict[str, Any]:
    """What the template of a list shows: `form`, `is_filtered`, `page`, and the `querystring` of its other pages.

    `find` is told what was asked, by the names of the form's fields. A form that cannot be read asks for nothing.
    What a field says at first narrows the list without being called a filter.
    """
    asked = form.cleaned_data if form.is_valid() else dict.fromkeys(form.fields, "")
    return {
        "form": form,
        "is_filtered": any((asked[name] or "") != (field.initial or "") for name, field in form.fields.items()),
        "page": Paginator(find(asked), rows_a_page).get_page(request.GET.get("page")),
        "querystring": urlencode(asked),
    }
