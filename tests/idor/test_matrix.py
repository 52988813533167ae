"""Who gets what at every address: anonymous, outsider, viewer, member, owner, approver, support, administrator.

The rows are checked against the list of addresses, so that a new address without a row fails.
"""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.idor.conftest import World
from tests.idor.rows import ROLES, ROWS, Row

pytestmark = pytest.mark.idor


def addresses(patterns: list[URLPattern | URLResolver] | None = None, namespace: str = "") -> Iterator[str]:
    """The names of all addresses of the portal, with their namespaces."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from addresses(pattern.url_patterns, inner)
        else:
            yield f"{namespace}{pattern.name}"


def test_every_address_has_a_row() -> None:
    assert {row.name for row in ROWS} == set(addresses())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name}")
def test_row(row: Row, world: World) -> None:
    path = reverse(row.name, kwargs={name: world.arguments[source] for name, source in row.kwargs.items()})
    seen = {role: _status(row, client, path) for role, client in world.clients.items()}
    assert seen == dict(zip(ROLES, row.expected, strict=True))


def _status(row: Row, client: Client, path: str) -> int:
    """The answer to one person; nothing of it stays."""
    with transaction.atomic():
        response = client.generic(row.method, path + row.query, **row.extra)
        transaction.set_rollback(True)
    return response.status_code


def test_no_row_lets_an_outsider_see_more_than_nothing() -> None:
    """Below a project an outsider and an approver get exactly what they get for a project that does not exist."""
    for row in ROWS:
        if "namespace" in row.kwargs:
            assert row.expected[ROLES.index("outsider")] == 404, row.name
            assert row.expected[ROLES.index("approver")] == 404, row.name
