"""Column heads of the studies table."""

from django.http import QueryDict

from apps.datasets.studies.forms import StudyFilter
from apps.datasets.studies.listing import columns, reversed_order, without_page
from apps.datasets.studies.search import FIELDS


def column(title: str, order: str = "-date", query: str = ""):
    return next(it for it in columns(order, QueryDict(query)) if it.title == title)


def test_a_click_sorts_by_the_column_and_keeps_the_search() -> None:
    asked = QueryDict(column("Patient", query="q=doe&page=3").query.removeprefix("?"))
    assert asked.dict() == {"q": "doe", "order": "patient"}


def test_a_second_click_on_the_date_turns_it_round() -> None:
    assert column("Date").query == "?order=date"
    assert column("Date", "date").query == "?order=-date"


def test_every_column_sorts_both_ways_by_an_order_that_there_is() -> None:
    orders = dict(StudyFilter.ORDERS)
    for title in (it.title for it in columns("-date", QueryDict())):
        first = QueryDict(column(title, "").query.removeprefix("?"))["order"]
        assert {first, reversed_order(first)} <= set(orders)
    assert {order.removeprefix("-") for order in orders} == set(FIELDS)


def test_only_the_sorting_column_tells_its_direction() -> None:
    assert [it.title for it in columns("-size", QueryDict()) if it.direction] == ["Size"]
    assert column("Size", "-size").direction == "descending"
    assert column("Date").direction == "descending"
    assert column("Date", "date").icon == "arrow-up"


def test_pages_keep_the_rest_of_the_address() -> None:
    assert without_page(QueryDict("q=a%26b&page=2")) == "q=a%26b"
