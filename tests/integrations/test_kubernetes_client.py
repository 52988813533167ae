"""The client against servers that lie, hang or trickle: it ends in time, with a sentence that tells no secret."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from apps.integrations.kubernetes import connection
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import NODE, POD, ApiRefused, ClusterUnreachable, Forbidden, VersionGone
from tests.clusters.servers import Handler, Server, answer, refusal, serving

SECONDS = 0.5


def client_of(server: Server) -> KubernetesClient:
    return KubernetesClient(server.credentials, connect_seconds=SECONDS, exchange_seconds=SECONDS)


@contextmanager
def unreachable(match: str, server: str = "") -> Iterator[None]:
    started = time.monotonic()
    with pytest.raises(ClusterUnreachable, match=match) as raised:
        yield
    assert time.monotonic() - started < 4 * SECONDS
    assert "made-up-token" not in str(raised.value)
    assert "127.0.0.1" not in str(raised.value)


LIES: dict[str, tuple[Callable[[Handler], None], str]] = {
    "a page": (lambda asked: answer(asked, 200, b"<html>Hello</html>"), "not Kubernetes"),
    "a page that refuses": (lambda asked: answer(asked, 403, b"<html>No</html>"), "not Kubernetes"),
    "a list": (lambda asked: answer(asked, 200, [1, 2]), "not Kubernetes"),
    "no version": (lambda asked: answer(asked, 200, {}), "not Kubernetes"),
    "an error of its own": (lambda asked: answer(asked, 500, refusal(500, "InternalError")), "trouble of its own"),
    "too much to do": (lambda asked: answer(asked, 429, refusal(429, "TooManyRequests")), "trouble of its own"),
    "deep nesting": (lambda asked: answer(asked, 200, b"[" * 100_000), "not Kubernetes"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_kubernetes_is_unreachable(lie: str) -> None:
    says, sentence = LIES[lie]
    with serving(says) as server, unreachable(sentence):
        client_of(server).version()


def test_redirects_are_not_followed() -> None:
    with serving(lambda asked: answer(asked, 200, {"gitVersion": "v9"})) as elsewhere:
        sent = lambda asked: answer(asked, 302, b"", Location=f"{elsewhere.address}/version")  # noqa: E731
        with serving(sent) as server, unreachable("sends elsewhere"):
            client_of(server).version()
        assert elsewhere.asked == []


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_forbidden(status: int) -> None:
    says = lambda asked: answer(asked, status, refusal(status, "Unauthorized"))  # noqa: E731
    with serving(says) as server, pytest.raises(Forbidden) as raised:
        client_of(server).version()
    assert raised.value.status == status


def test_the_token_is_sent_as_bearer() -> None:
    sent: list[str | None] = []

    def says(asked: Handler) -> None:
        sent.append(asked.headers["Authorization"])
        answer(asked, 200, {"gitVersion": "v1.34.4"})

    with serving(says) as server:
        assert client_of(server).version() == "v1.34.4"
    assert sent == ["Bearer made-up-token"]


def test_a_certificate_of_another_ca_ends_it_before_anything_is_sent() -> None:
    with serving(lambda asked: answer(asked, 200, {})) as other:
        with serving(lambda asked: answer(asked, 200, {"gitVersion": "v1"})) as server, unreachable("certificate"):
            client_of(replace(server, ca_pem=other.ca_pem)).version()
        assert server.asked == []


def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with serving(lambda asked: None) as server, unreachable("refused the connection"):
        client_of(replace(server, address=f"https://127.0.0.1:{port}")).version()


def test_one_that_accepts_and_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, serving(lambda asked: None) as server:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with unreachable("did not answer in time"):
            client_of(replace(server, address=address)).version()


def test_one_that_is_silent_after_the_handshake() -> None:
    with serving(lambda asked: time.sleep(3 * SECONDS)) as server, unreachable("did not answer in time"):
        client_of(server).version()


def trickle_head(asked: Handler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        asked.wfile.write(b"X-More: 1\r\n")
        time.sleep(SECONDS / 5)


def trickle_body(asked: Handler) -> None:
    asked.send_response(200)
    asked.send_header("Content-Length", "1000")
    asked.end_headers()
    for _ in range(100):
        asked.wfile.write(b" ")
        time.sleep(SECONDS / 5)


@pytest.mark.parametrize("says", [trickle_head, trickle_body])
def test_a_trickle_holds_nobody_up(says: Callable[[Handler], None]) -> None:
    with serving(says) as server, unreachable("did not answer in time"):
        client_of(server).version()


def test_a_huge_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KubernetesClient, "_send", with_limit(1000))
    with serving(lambda asked: answer(asked, 200, b" " * 10_000)) as server, unreachable("larger than any"):
        client_of(server).version()


def with_limit(limit: int) -> Callable[..., Any]:
    def send(self: KubernetesClient, method: str, path: str, query: Any, *_: Any) -> connection.Answer:
        return self._connection.exchange(method, path, headers={}, limit=limit)

    return send


def test_one_connection_serves_many_requests_and_a_closed_one_is_left() -> None:
    connections: set[int] = set()

    def says(asked: Handler) -> None:
        connections.add(asked.client_address[1])
        closes = {"Connection": "close"} if asked.path.startswith("/api/v1/nodes") else {}
        answer(asked, 200, {"gitVersion": "v1", "items": []}, **closes)
        asked.close_connection = bool(closes)

    with serving(says) as server:
        client = client_of(server)
        for _ in range(3):
            client.version()
        assert len(connections) == 1
        list(client.objects(NODE))
        client.version()
    assert len(connections) == 2


def test_pages_go_on_when_their_snapshot_is_gone() -> None:
    def says(asked: Handler) -> None:
        if "continue=second" in asked.path:
            answer(asked, 410, {**refusal(410, "Expired"), "metadata": {"continue": "third"}})
        elif "continue=third" in asked.path:
            answer(asked, 200, {"items": [{"metadata": {"name": "b"}}], "metadata": {}})
        else:
            answer(asked, 200, {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "second"}})

    with serving(says) as server:
        assert [pod["metadata"]["name"] for pod in client_of(server).objects(POD)] == ["a", "b"]
        assert all("limit=500" in path for path in server.asked)


def test_pages_without_a_way_on_end_with_the_refusal() -> None:
    with serving(lambda asked: answer(asked, 410, refusal(410, "Expired"))) as server, pytest.raises(ApiRefused):
        list(client_of(server).objects(POD))


def test_names_cannot_leave_their_place_in_the_address() -> None:
    with serving(lambda asked: answer(asked, 404, refusal(404, "NotFound"))) as server:
        assert client_of(server).read(POD, "../secrets/x?y", "a/b") is None
    assert server.asked == ["/api/v1/namespaces/a%2Fb/pods/..%2Fsecrets%2Fx%3Fy"]


def test_a_log_is_empty_of_a_container_that_never_began_and_cut_of_others() -> None:
    for why in ("is waiting to start: PodInitializing", "is terminated"):
        none = refusal(400, "BadRequest", f'container "a" in pod "b" {why}')
        with serving(lambda asked, none=none: answer(asked, 400, none)) as server:  # type: ignore[misc]
            assert client_of(server).log("ns", "b", "a") == b""
    with serving(lambda asked: answer(asked, 200, b"x" * 100)) as server:
        assert client_of(server).log("ns", "b", "a", limit_bytes=10) == b"x" * 10


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "ftp://x", "nonsense"])
def test_only_https_is_spoken(address: str) -> None:
    with serving(lambda asked: None) as server, unreachable("https://"):
        client_of(replace(server, address=address)).version()


def an_event(what: str, version: str, **found: Any) -> bytes:
    return json.dumps({"type": what, "object": {"metadata": {"resourceVersion": version}, **found}}).encode() + b"\n"


def stream(*pieces: bytes, end: Callable[[Handler], None] = lambda asked: None) -> Callable[[Handler], None]:
    """Says these pieces as they are, and then what `end` does instead of going on."""

    def says(asked: Handler) -> None:
        asked.send_response(200)
        asked.send_header("Transfer-Encoding", "chunked")
        asked.end_headers()
        for piece in pieces:
            asked.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            asked.wfile.flush()
        end(asked)

    return says


def ends(asked: Handler) -> None:
    asked.wfile.write(b"0\r\n\r\n")


def breaks(asked: Handler) -> None:
    asked.close_connection = True


def versions(server: Server, seconds: float = SECONDS) -> Iterator[str]:
    return (change.version for change in client_of(server).watch(POD, since="7", seconds=seconds))


def test_a_watch_is_asked_for_with_its_end_and_bookmarks() -> None:
    with serving(stream(an_event("ADDED", "8"), an_event("BOOKMARK", "9"), end=ends)) as server:
        found = list(client_of(server).watch(POD, since="7", seconds=1.5, labels="a=b"))
        assert [(change.what, change.version, change.object["kind"]) for change in found] == [
            ("ADDED", "8", "Pod"),
            ("BOOKMARK", "9", "Pod"),
        ]
        (asked,) = server.asked
        query = dict(parse_qsl(urlsplit(asked).query))
    assert query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "2",
        "labelSelector": "a=b",
    }


def test_events_are_read_whole_however_they_are_cut() -> None:
    both = an_event("ADDED", "8") + an_event("MODIFIED", "9")
    with serving(stream(*(both[at : at + 7] for at in range(0, len(both), 7)), end=ends)) as server:
        assert list(versions(server)) == ["8", "9"]


def test_what_came_before_a_connection_broke_is_told() -> None:
    with serving(stream(an_event("ADDED", "8"), an_event("MODIFIED", "9")[:10], end=breaks)) as server:
        found = versions(server)
        assert next(found) == "8"
        with unreachable("connection to the cluster broke"):
            next(found)


@pytest.mark.parametrize(
    "says",
    [
        lambda asked: answer(asked, 410, refusal(410, "Expired")),
        stream(an_event("ADDED", "8"), an_event("ERROR", "", code=410, reason="Expired"), end=ends),
    ],
    ids=["at once", "midway"],
)
def test_a_version_that_is_gone_is_named(says: Callable[[Handler], None]) -> None:
    with serving(says) as server, pytest.raises(VersionGone):
        list(versions(server))


WATCH_LIES: dict[str, tuple[Callable[[Handler], None], str]] = {
    "a page": (lambda asked: answer(asked, 200, b"<html>Hello</html>\n"), "not Kubernetes"),
    "no version": (stream(b'{"type": "ADDED", "object": {"metadata": 1}}\n'), "not Kubernetes"),
    "no object": (stream(b'{"type": "ADDED"}\n'), "not Kubernetes"),
    "an error": (stream(an_event("ERROR", "", code=500)), "trouble of its own"),
    "an error without a number": (stream(an_event("ERROR", "", code=None)), "trouble of its own"),
    "a refusal of its own": (lambda asked: answer(asked, 504, refusal(504, "Timeout")), "trouble of its own"),
    "a line without end": (stream(b" " * (5 * 1024**2)), "larger than any"),
}


@pytest.mark.parametrize("lie", WATCH_LIES)
def test_a_watch_believes_no_lie(lie: str) -> None:
    says, sentence = WATCH_LIES[lie]
    with serving(says) as server, unreachable(sentence):
        list(versions(server))


def trickle_events(asked: Handler) -> None:
    for byte in an_event("ADDED", "8") * 100:
        asked.wfile.write(b"1\r\n%c\r\n" % byte)
        time.sleep(SECONDS / 20)


@pytest.mark.parametrize(
    "says",
    [stream(end=lambda asked: time.sleep(10 * SECONDS)), stream(end=trickle_events), trickle_head],
    ids=["hangs", "trickles", "trickles its head"],
)
def test_a_watch_that_does_not_end_is_cut_off(says: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.integrations.kubernetes.client.GRACE_SECONDS", SECONDS)
    with serving(says) as server, unreachable("did not answer in time"):
        list(versions(server))
