"""A MONAI Label server by its recorded answers, and by those of servers that lie; the twin says the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from apps.integrations.kubernetes.route import Route
from apps.integrations.monailabel import memory
from apps.integrations.monailabel.client import MOST_BYTES, MonaiLabel
from apps.integrations.monailabel.port import LabelModel, ModelServerUnreachable, MonaiLabelApi, ServerInfo
from tests.portal import free_port

pytestmark = pytest.mark.contract

RECORDED = Path(__file__).parent / "monailabel"
THRESHOLD = LabelModel("threshold", "segmentation", ("dense",), 3, "HU threshold (no weights)")
IDLE = ServerInfo("Trivial", "0.0.1", (THRESHOLD,), is_training=False)
TRAINING = ServerInfo("Trivial", "0.0.1", (THRESHOLD,), is_training=True)
Answers = dict[str, tuple[int, bytes]]
Server = Callable[[ServerInfo | None], MonaiLabelApi]


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    """Its address; all else is not found."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b'{"detail":"Not Found"}'))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def recorded(info: ServerInfo) -> Answers:
    train = (200, "train_running.json") if info.is_training else (404, "train_idle.json")
    return {
        "/info/": (200, (RECORDED / "info_ready.json").read_bytes()),
        "/train/": (train[0], (RECORDED / train[1]).read_bytes()),
    }


@pytest.fixture(params=["client", "twin"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Makes the door to a server of which this is so, or to none."""
    if request.param == "twin":
        yield lambda info: memory.at({"here": info} if info else {})(Route("here"))
        return
    answers: Answers = {}
    with serving(answers) as address:

        def make(wanted: ServerInfo | None) -> MonaiLabelApi:
            answers.update(recorded(wanted) if wanted else {})
            return MonaiLabel(Route(address if wanted else f"http://127.0.0.1:{free_port()}"))

        yield make


@pytest.mark.parametrize("info", [IDLE, TRAINING], ids=["idle", "training"])
def test_a_server_says_what_it_has(server: Server, info: ServerInfo) -> None:
    assert server(info).info() == info


def test_no_server(server: Server) -> None:
    with pytest.raises(ModelServerUnreachable, match="does not answer"):
        server(None).info()


@pytest.mark.attacks
@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"models": []}'),
        (200, b"[" * 100_000),
        (200, b" " * (MOST_BYTES + 1)),
        (200, b"\xff\xfe"),
        (302, b""),
        (500, b"{}"),
        (404, b"{}"),
    ],
    ids=["html", "list", "no-models", "deep", "long", "no-text", "redirect", "error", "nothing"],
)
def test_a_server_that_lies(answer: tuple[int, bytes]) -> None:
    with serving({"/info/": answer}) as address, pytest.raises(ModelServerUnreachable):
        MonaiLabel(Route(address)).info()


def test_odd_models_are_shown_as_far_as_they_go() -> None:
    body = b'{"models": {"a": null, "b": {"labels": ["x", 1], "dimension": "3", "type": 7}}}'
    with serving({"/info/": (200, body)}) as address:
        models = MonaiLabel(Route(address)).info().models
    assert models == (LabelModel("a", "", (), 0, ""), LabelModel("b", "", ("x", ""), 0, ""))
