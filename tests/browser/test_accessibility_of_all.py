"""axe finds nothing at any address that shows a page to anybody: those of the matrix of rights, none left out."""

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from apps.accounts.models import User
from tests.browser.conftest import OpenAs
from tests.browser.looked_at import problems_of
from tests.idor.conftest import (
    World,
    account,
    desktops,
    export,
    images,
    life,
    memberships,
    people,
    registration,
    requests,
    run,
    series,
    upload,
    viewer_path,
    world,
)
from tests.idor.rows import ROLES, ROWS

__all__ = [  # fixtures
    "account",
    "desktops",
    "export",
    "images",
    "life",
    "memberships",
    "people",
    "registration",
    "requests",
    "run",
    "series",
    "upload",
    "viewer_path",
    "world",
]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]
# Who is asked first: administrators see most.
READERS = ("administrator", "owner", "anonymous")


def pages(world: World) -> Iterator[tuple[str, str]]:
    """The address and its reader, of each that shows a whole page."""
    for row in ROWS:
        reader = next((one for one in READERS if row.expected[ROLES.index(one)] == 200), None)
        if row.method == "GET" and reader and not row.extra:
            path = reverse(row.name, kwargs={name: world.arguments[source] for name, source in row.kwargs.items()})
            answer = world.clients[reader].get(path + row.query)
            if answer["Content-Type"].startswith("text/html") and b"<html" in answer.content:
                yield reader, path + row.query


def test_every_page_of_the_matrix(world: World, people: dict[str, User], open_as: OpenAs) -> None:
    """Dark on a phone; test_accessibility has most of them light on a desk too."""
    look = {"color_scheme": "dark", "viewport": {"width": 390, "height": 900}}
    signed_in = {role: open_as(people.get(role), **look) for role in READERS}
    found: dict[str, list[str]] = {}
    for reader, path in pages(world):
        page: Page = signed_in[reader].new_page()
        page.goto(path)
        found[path] = problems_of(page)
        page.close()
    assert len(found) > 50
    assert {path: problems for path, problems in found.items() if problems} == {}
