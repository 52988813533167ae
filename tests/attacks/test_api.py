"""JSON that is well-formed by the letter and means harm."""

import pytest

from apps.accounts.models import User
from apps.projects.models import Project
from tests.conftest import ClientOf

pytestmark = pytest.mark.attacks


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"arguments":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}", "nested too deep"),
        ('{"algorithm":"a","series":["1"],"arguments":{"\\ud800":1}}', "half of a surrogate pair"),
        ('{"algorithm":"\\udfff","series":["1"]}', "half of a surrogate pair"),
        ('{"algorithm":"a","series":["1"],"arguments":{"a":' + "9" * 5000 + "}}", "JSON parse error"),
        ('{"algorithm":"a","series":["1"],"arguments":{"a":NaN}}', "JSON parse error"),
    ],
)
def test_json_that_cannot_be_held_is_refused(
    bob: User, client_of: ClientOf, project: Project, body: str, sentence: str
) -> None:
    path = f"/api/v1/projects/{project.namespace}/runs/"
    answer = client_of(bob).post(path, body, content_type="application/json")
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]


@pytest.mark.parametrize("version", ["\0", "\r\nX-Evil: 1", "\u2028", '"; x="'])
def test_the_schema_puts_nothing_of_the_query_into_a_header(bob: User, client_of: ClientOf, version: str) -> None:
    answer = client_of(bob).get("/api/v1/schema/", {"version": version})
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'inline; filename="MAIA Dashboard.json"'
    assert answer.json()["info"]["version"] == "1"
