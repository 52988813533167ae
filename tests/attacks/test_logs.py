"""Whatever is sent and whatever breaks, the logs quote none of it, and say where it broke."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from apps.accounts.models import User
from apps.jobs import selectors
from maia_dashboard import gunicorn_conf, log_format
from maia_dashboard.gunicorn_log import NamelessRequests
from tests.conftest import ClientOf

pytestmark = pytest.mark.attacks
PATIENT = "Roe^Jane"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, str]]]]:
    """What the portal's logs have said since the test began."""
    root, text = logging.getLogger(), io.StringIO()
    usual, level = list(root.handlers), root.level
    log_format.configure("INFO")
    (shown,) = (one for one in root.handlers if isinstance(one, logging.StreamHandler) and one not in usual)
    shown.setStream(text)
    yield lambda: [json.loads(line) for line in text.getvalue().splitlines()]
    root.handlers, root.level = usual, level


def break_on(text: str) -> None:
    try:
        int(text)
    except ValueError as error:
        raise LookupError(text) from error


def test_a_page_that_breaks_says_where_and_never_what(
    alice: User,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    lines: Callable[[], list[dict[str, str]]],
) -> None:
    monkeypatch.setattr(selectors, "algorithms", lambda: break_on(PATIENT))
    client = client_of(alice)
    client.raise_request_exception = False
    assert client.get("/algorithms/", {"q": PATIENT}).status_code == 500
    (failure,) = (line for line in lines() if line["event"] == "request failed")
    assert failure["route"] == "jobs:algorithms"
    assert "in break_on" in failure["exception"]
    assert failure["exception"].rstrip().endswith("LookupError")
    assert "builtins.ValueError" in failure["exception"]
    assert PATIENT not in json.dumps(lines())


def test_a_task_that_fails_is_logged_without_its_words(lines: Callable[[], list[dict[str, str]]]) -> None:
    said = {"name": "jobs.advance", "id": "1", "description": "raised unexpected", "exc": f"ValueError('{PATIENT}')"}
    logging.getLogger("celery.app.trace").error("Task %(name)s[%(id)s] %(description)s: %(exc)s", said)
    assert [line["event"] for line in lines()] == ["Task jobs.advance[1] raised unexpected: …"]


@pytest.fixture
def server_log(caplog: pytest.LogCaptureFixture) -> Logger:
    log = NamelessRequests(Config())
    log.error_log.addHandler(caplog.handler)
    return log


def test_the_web_server_quotes_no_request(server_log: Logger, caplog: pytest.LogCaptureFixture) -> None:
    server_log.warning(f"Invalid request from ip=127.0.0.1: Invalid HTTP request line: 'GET /?q={PATIENT}'")
    server_log.exception("Error handling request %s %s", "GET", f"/?q={PATIENT}")
    assert [record.getMessage() for record in caplog.records] == [
        "Invalid request from ip=127.0.0.1",
        "Error handling request",
    ]


def test_the_web_server_writes_this_log_and_believes_no_client() -> None:
    assert gunicorn_conf.logger_class is NamelessRequests
    assert gunicorn_conf.forwarder_headers == ""
