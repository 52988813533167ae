"""What a signed-in person is shown, patients included, is kept by no shared store, and by a browser only on purpose."""

import pytest
from django.urls import reverse

from tests.idor.conftest import World
from tests.idor.rows import ROLES, ROWS, Row

OWNER = ROLES.index("owner")
# Objects and pictures never change, and a page of images shows hundreds of them.
MAY_BE_KEPT = ("archives:", "datasets:overlay")

pytestmark = pytest.mark.idor


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.method == "GET" and row.expected[OWNER] == 200], ids=lambda row: row.name
)
def test_answers_say_who_may_keep_them(row: Row, world: World) -> None:
    path = reverse(row.name, kwargs={name: world.arguments[source] for name, source in row.kwargs.items()})
    said = world.clients["owner"].get(path + row.query, **row.extra)["Cache-Control"]
    assert "no-store" in said or (row.name.startswith(MAY_BE_KEPT) and "private" in said)
