"""The client against servers that lie, hang or trickle: it ends in time, with a sentence that tells no secret."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from apps.integrations.kubernetes import connection
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import NODE, POD, ApiRefused, Forbidden
from tests.clusters.servers import Handler, answer, refusal, serving
from tests.integrations.impatient import SECONDS, client_of, trickle_head, unreachable

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
