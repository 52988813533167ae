"""What tests of faults do to clusters: stop one, start it again, have a second one, and one that never answers."""

import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.peers.kubernetes import Kubernetes
from tests.peers.kubernetes.cluster import SharedWithOthers
from tests.peers.starting import LOOPBACK, accepts

# Built the first time.
pytestmark = [pytest.mark.peers]


def _node(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def _pod(name: str, node: str) -> dict[str, Any]:
    spec = {"nodeName": node, "containers": [{"name": "only", "image": "none"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def test_a_second_cluster_takes_nodes_and_pods_that_nobody_runs(second_kubernetes: Kubernetes) -> None:
    second_kubernetes.kubectl("apply", "-f", "-", manifest=_node("pretended"))
    second_kubernetes.kubectl("apply", "-f", "-", manifest=_pod("pretended", "pretended"))
    assert second_kubernetes.read("pod", "pretended")["spec"]["nodeName"] == "pretended"


def test_an_api_that_was_stopped_knows_all_when_it_is_started_again(second_kubernetes: Kubernetes) -> None:
    second_kubernetes.kubectl("create", "namespace", "remembered")
    port = int(second_kubernetes.server.rpartition(":")[2])
    second_kubernetes.stop_api()
    assert not accepts(port)
    with pytest.raises(subprocess.CalledProcessError):
        second_kubernetes.kubectl("get", "namespaces")
    second_kubernetes.start_api()
    assert "remembered" in second_kubernetes.kubectl("get", "namespaces")


def test_a_cluster_of_another_process_is_not_stopped(second_kubernetes: Kubernetes) -> None:
    others = Kubernetes("https://127.0.0.1:1", second_kubernetes.kubeconfig, second_kubernetes.commands, Path("none"))
    with pytest.raises(SharedWithOthers, match="without RUNNING_PEERS"):
        others.stop_api()


def test_a_hanging_server_accepts_and_is_silent(hanging_server: int) -> None:
    with socket.create_connection((LOOPBACK, hanging_server), timeout=1) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
