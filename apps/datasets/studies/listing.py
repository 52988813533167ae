"""The head of the studies table: which columns there are and what a click on one asks for."""

from dataclasses import dataclass

from django.http import QueryDict


@dataclass(frozen=True)
class Column:
    title: str
    query: str  # the address of the same list in this column's order
    direction: str  # as aria-sort says it, for the column that the list is sorted by
    is_figure: bool

    @property
    def icon(self) -> str:
        return {"ascending": "arrow-up", "descending": "arrow-down"}.get(self.direction, "")


# Title, order of the first click, whether the column holds figures.
COLUMNS = (
    ("Patient", "patient", False),
    ("Date", "-date", False),
    ("Description", "description", False),
    ("Modalities", "modalities", False),
    ("Series", "-series", True),
    ("Objects", "-objects", True),
    ("Size", "-size", True),
    ("State", "-added", False),
)


def columns(order: str, query: QueryDict) -> list[Column]:
    return [_column(title, first, order, query, is_figure) for title, first, is_figure in COLUMNS]


def without_page(query: QueryDict) -> str:
    """The query string of the same list, from its first page."""
    rest = query.copy()
    rest.pop("page", None)
    return rest.urlencode()


def reversed_order(order: str) -> str:
    return order.removeprefix("-") if order.startswith("-") else f"-{order}"


def _column(title: str, first: str, order: str, query: QueryDict, is_figure: bool) -> Column:
    is_sorted = order in (first, reversed_order(first))
    link = query.copy()
    link.pop("page", None)
    link["order"] = reversed_order(order) if is_sorted else first
    direction = ("descending" if order.startswith("-") else "ascending") if is_sorted else ""
    return Column(title, f"?{link.urlencode()}", direction, is_figure)
