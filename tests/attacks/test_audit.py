"""Filters, cursors and names that are made to break the audit, or the program that opens its file."""

import base64

import pytest

from apps.accounts.models import User
from apps.audit.services import record
from apps.core.spreadsheets import safe
from tests.conftest import ClientOf

pytestmark = pytest.mark.attacks


@pytest.mark.parametrize("query", ["until=9999-12-31", "since=0001-01-01", "since=9999-12-31&until=0001-01-01"])
def test_no_day_is_too_early_or_too_late(admin: User, client_of: ClientOf, query: str) -> None:
    client = client_of(admin)
    record("account.signed_in", actor=admin.pk)
    assert client.get(f"/audit/?{query}").status_code == 200
    assert client.post(f"/audit/export/?{query}").status_code == 200
    assert client.get(f"/api/v1/audit/?{query}").status_code == 422


@pytest.mark.parametrize("position", ["9999", "x", "\0", "0001-01-01T00:00:00+14:00", "2026-13-01 00:00:00"])
def test_no_cursor_stands_at_no_time(admin: User, client_of: ClientOf, position: str) -> None:
    record("account.signed_in", actor=admin.pk)
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    assert client_of(admin).get("/api/v1/audit/", {"cursor": cursor}).status_code == 404


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("x;=HYPERLINK(1)", "x;'=HYPERLINK(1)"),
        ("x, +1", "x,' +1"),
        ("x\n@SUM(1)", "x\n'@SUM(1)"),
        ("  =1", "'  =1"),
        ("＝1+1", "'＝1+1"),
        ("a-b; why: 2026-11-21", "a-b; why: 2026-11-21"),
    ],
)
def test_no_part_of_a_cell_is_calculated_wherever_a_spreadsheet_cuts_it(cell: str, written: str) -> None:
    assert safe(cell) == written
