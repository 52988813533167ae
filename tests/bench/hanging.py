"""Home and project page while a registered cluster accepts and never answers, with no connection made for them."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

import socket
import statistics
import time
from unittest import mock

from django.core.management import call_command
from django.test import Client

from apps.accounts.models import User
from apps.clusters import collecting
from apps.clusters.models import Cluster
from apps.clusters.services import connect, place
from apps.integrations.kubernetes.port import ClusterUnreachable
from tests.bench import figures
from tests.bench.pages import make_project
from tests.clusters.rows import seen_cluster
from tests.peers.starting import hanging_server

REQUESTS = 50


def main() -> None:
    call_command("migrate", verbosity=0)
    admin = User.objects.create_user("admin@bench.example", name="Admin", platform_role=User.PlatformRole.ADMINISTRATOR)
    client = Client(SERVER_NAME="localhost")
    client.force_login(admin)
    with hanging_server() as port:
        cluster = seen_cluster("hanging", server=f"https://127.0.0.1:{port}")
        project = make_project(0, admin)
        place(project, cluster=cluster)
        collecting.look(cluster)
        assert cluster.status == Cluster.Status.UNREACHABLE
        print(f"bench hanging: one cluster that accepts and never answers, {REQUESTS} requests of each page")
        asked = _seconds_to_ask(cluster)
        for name, path in (("home", "/"), ("project page", f"/projects/{project.namespace}/")):
            page = _p95_seconds(client, path)
            figures.compare(
                f"{name}, p95", page, "asking the cluster in the request", asked + page, "s", less_is_better=True
            )


def _p95_seconds(client: Client, path: str) -> float:
    """Fails when anything connects to anywhere for the page."""
    assert client.get(path).status_code == 200  # templates are compiled at the first request
    with mock.patch.object(socket.socket, "connect", side_effect=AssertionError("a page connects")) as connecting:
        taken = [_seconds(client, path) for _ in range(REQUESTS)]
    assert not connecting.called
    return statistics.quantiles(taken, n=20)[-1]


def _seconds(client: Client, path: str) -> float:
    started = time.perf_counter()
    assert client.get(path).status_code == 200
    return time.perf_counter() - started


def _seconds_to_ask(cluster: Cluster) -> float:
    """Until a question to it has come to nothing, by the client's usual time limit."""
    started = time.perf_counter()
    try:
        connect(cluster).version()
    except ClusterUnreachable:
        return time.perf_counter() - started
    raise AssertionError("the cluster answered")


if __name__ == "__main__":
    main()
