"""What no database can hold stands for nothing, in whichever part of an address it is: 404, and never an error."""

import re
from urllib.parse import unquote

import pytest
from django.urls import is_valid_path, reverse

from tests.idor.conftest import World
from tests.idor.rows import ROWS, Row

UIDS = ("study_instance_uid", "series_instance_uid", "sop_instance_uid")
NUMBERS = ("mail", "upload", "uploaded_file", "run", "registration", "person", "session", "api_token", "ssh_key")
NAMES = ("namespace", "archive", "token")
JUNK = {
    **dict.fromkeys(UIDS, ("1%002", "1.2a", "%D9%A1", "1" * 65, "1%0A")),
    **dict.fromkeys(NUMBERS, ("99999999999999999999", "1%00", "%D9%A1x")),
    **dict.fromkeys(NAMES, ("a%00b", "%2e%2e", "%ED%A0%80")),
}

pytestmark = pytest.mark.idor

# A method that an address does not take is refused before its parts are looked at.
SPOILT = [row for row in ROWS if JUNK.keys() & row.kwargs.values() and 405 not in row.expected]


@pytest.mark.parametrize("row", SPOILT, ids=lambda row: f"{row.method} {row.name}")
def test_junk_is_not_found(row: Row, world: World) -> None:
    path = reverse(row.name, kwargs={name: world.arguments[source] for name, source in row.kwargs.items()})
    client = world.clients["owner" if "namespace" in row.kwargs else "administrator"]
    for source in JUNK.keys() & row.kwargs.values():
        for junk in JUNK[source]:
            spoilt = re.sub(rf"/{re.escape(str(world.arguments[source]))}(?=[/.]|$)", f"/{junk}", path, count=1)
            assert spoilt != path
            answer = client.generic(row.method, spoilt + row.query, **row.extra)
            assert answer.status_code == 404, spoilt
            # SQLite would look for a NUL where PostgreSQL fails, so a UID must be stopped before the database.
            assert source not in UIDS or not is_valid_path(unquote(spoilt)), spoilt
