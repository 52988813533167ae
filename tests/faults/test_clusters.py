"""A cluster that is dead, hangs or lies changes its own badge and nothing else; no page asks any cluster anything."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.clusters import collecting
from apps.clusters.models import Cluster, Snapshot
from apps.clusters.services import place
from apps.clusters.tasks import sweep
from apps.projects.models import Project
from tests.clusters.objects import a_node, a_pod
from tests.clusters.rows import make_cluster, seen_cluster
from tests.clusters.servers import Handler, Server, answer, refusal, serving
from tests.conftest import PASSWORD, ClientOf

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
Status = Cluster.Status
ANSWER_SECONDS = 0.5
NOT_KUBERNETES = "What answers at the cluster's address is not Kubernetes"


def healthy(asked: Handler) -> None:
    pod, node = a_pod("one", "default", node="gpu-1", gpus=1), a_node("gpu-1")
    items = {"/api/v1/pods": [pod], "/api/v1/nodes": [node]}.get(asked.path.partition("?")[0], [])
    answer(asked, 200, {"gitVersion": "v1.34.4", "items": items, "metadata": {}})


def lies_after_the_version(asked: Handler) -> None:
    whole = {"gitVersion": "v1", "items": [{"metadata": "none"}, 7], "metadata": {}}
    answer(asked, 200, whole)


def hangs(asked: Handler) -> None:
    time.sleep(3 * ANSWER_SECONDS)


def huge(asked: Handler) -> None:
    asked.send_response(200)
    asked.send_header("Content-Length", str(10**12))
    asked.end_headers()
    for _ in range(10_000):
        asked.wfile.write(b" " * 100_000)


TROUBLES: dict[str, tuple[Callable[[Handler], None], Cluster.Status, str]] = {
    "hangs": (hangs, Status.UNREACHABLE, "did not answer in time"),
    "page": (lambda asked: answer(asked, 200, b"<html>Hello</html>"), Status.UNREACHABLE, NOT_KUBERNETES),
    "nonsense": (lies_after_the_version, Status.UNREACHABLE, NOT_KUBERNETES),
    "huge": (huge, Status.UNREACHABLE, "larger than any"),
    "unknown": (lambda asked: answer(asked, 401, refusal(401, "Unauthorized")), Status.REFUSED, "does not know"),
    "forbidden": (lambda asked: answer(asked, 403, refusal(403, "Forbidden")), Status.REFUSED, "do not suffice"),
    "broken": (lambda asked: answer(asked, 500, refusal(500, "InternalError")), Status.UNREACHABLE, "of its own"),
    "elsewhere": (
        lambda asked: answer(asked, 307, b"", Location="https://127.0.0.1:1/"),
        Status.UNREACHABLE,
        "sends elsewhere",
    ),
}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "ANSWER_SECONDS", ANSWER_SECONDS)


@pytest.fixture
def good() -> Iterator[Server]:
    with serving(healthy) as server:
        yield server


def cluster_at(server: Server, name: str) -> Cluster:
    return make_cluster(name, server=server.address, ca_pem=server.ca_pem)


def states() -> dict[str, tuple[str, str]]:
    return {cluster.name: (cluster.status, cluster.trouble) for cluster in Cluster.objects.all()}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_its_own(trouble: str, good: Server, bells: list[str]) -> None:
    says, status, sentence = TROUBLES[trouble]
    with serving(says) as bad:
        cluster_at(bad, "bad")
        cluster_at(good, "good")
        started = time.monotonic()
        sweep()
        assert time.monotonic() - started < 10 * ANSWER_SECONDS
    assert states()["good"] == (Status.REACHABLE, "")
    assert states()["bad"][0] == status
    assert sentence in states()["bad"][1]
    assert [snapshot.cluster.name for snapshot in Snapshot.objects.all()] == ["good"]
    assert Snapshot.objects.get().summary["gpus"]["NVIDIA-A100-SXM4-80GB"]["free"] == 1


def test_a_closed_port_a_silent_one_and_a_stranger_are_told_apart(good: Server, bells: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    with serving(healthy) as stranger, socket.create_server(("127.0.0.1", 0)) as silent:
        make_cluster("closed", server=f"https://127.0.0.1:{closed}", ca_pem=good.ca_pem)
        make_cluster("silent", server=f"https://127.0.0.1:{silent.getsockname()[1]}", ca_pem=good.ca_pem)
        make_cluster("stranger", server=stranger.address, ca_pem=good.ca_pem)
        sweep()
        assert stranger.asked == []
    assert states() == {
        "closed": (Status.UNREACHABLE, "The cluster refused the connection."),
        "silent": (Status.UNREACHABLE, "The cluster did not answer in time."),
        "stranger": (
            Status.UNREACHABLE,
            "The server's certificate is not the cluster's: its CA did not sign it.",
        ),
    }


def test_one_that_comes_back_is_reachable_again(good: Server, bells: list[str]) -> None:
    cluster = make_cluster("main", server="https://127.0.0.1:1", ca_pem=good.ca_pem)
    sweep()
    assert states()["main"][0] == Status.UNREACHABLE
    Cluster.objects.update(server=good.address, look_again_at=cluster.created_at)
    sweep()
    assert states()["main"] == (Status.REACHABLE, "")


@contextmanager
def no_calls() -> Iterator[list[Any]]:
    """What this process asks of others over the network meanwhile."""
    calls: list[Any] = []
    own_queue, connect = urlsplit(settings.ENV["REDIS_URL"]).port, socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[1] == own_queue:
            connect(self, address)
            return
        calls.append(address)
        raise OSError("no page asks anybody anything")

    def watched(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if port != own_queue:
            calls.append(host)
        return look_up(host, port, *args, **options)

    look_up = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", watched)
        yield calls


@pytest.mark.parametrize("status", [Status.UNREACHABLE, Status.REACHABLE, Status.REFUSED])
def test_every_page_and_sign_in_answer_without_asking_any_cluster(
    status: Cluster.Status, project: Project, admin: User, alice: User, client_of: ClientOf
) -> None:
    cluster = seen_cluster("main")
    Cluster.objects.update(status=status, trouble="The cluster did not answer in time.")
    place(project, cluster=cluster)
    with no_calls() as calls:
        for person in (alice, admin):
            client = client_of(person)
            pages = [
                "/",
                "/clusters/",
                "/clusters/main/",
                "/algorithms/",
                "/account/",
                f"/projects/{project.namespace}/",
            ]
            own = ["/clusters/new/", "/clusters/main/edit/", "/approvals/"] if person.is_administrator else []
            for address in [*pages, *own, "/healthz/ready"]:
                assert client.get(address).status_code == 200, address
        stranger = Client()
        assert stranger.get("/account/login/").status_code == 200
        typed = {"login": alice.email, "password": PASSWORD}
        assert stranger.post("/account/login/", typed).status_code == 302
        assert stranger.get("/").status_code == 200
        admins = client_of(admin)
        assert admins.post("/clusters/main/check/").status_code == 302
        assert admins.post("/clusters/main/switch/").status_code == 302
    assert calls == []


def test_many_that_hang_leave_room_in_the_worker(good: Server, bells: list[str]) -> None:
    """Rung for all at once, as by a sweep, on as many threads as the worker has."""
    with ExitStack() as servers:
        hanging = [servers.enter_context(serving(hangs)) for _ in range(3)]
        pks = [cluster_at(server, f"hangs-{number}").pk for number, server in enumerate(hanging)]

        def looked(pk: int) -> float:
            started = time.monotonic()
            try:
                collecting.collect(pk)
            finally:
                connection.close()
            return time.monotonic() - started

        with ThreadPoolExecutor(4) as worker:
            took = sorted(worker.map(looked, pks))
    assert took[0] < ANSWER_SECONDS
    assert {status for status, _ in states().values()} <= {Status.UNREACHABLE, Status.NEVER_SEEN}
