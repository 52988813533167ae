"""A client of Kubernetes that waits for half a second at most, and the one way in which it fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import ClusterUnreachable
from tests.clusters.servers import Handler, Server

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


def trickle_head(asked: Handler) -> None:
    asked.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        asked.wfile.write(b"X-More: 1\r\n")
        time.sleep(SECONDS / 5)
