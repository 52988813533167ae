import json
import subprocess
from typing import Any

import pytest

from tests.peers.images import Podman
from tests.peers.kubernetes import Kubernetes
from tests.peers.kubernetes.machine import traces
from tests.peers.registry import Registry
from tests.waiting import wait_until

# Built the first time.
pytestmark = [pytest.mark.peers]


def _pod(name: str, image: str, *command: str, **resources: str) -> dict[str, Any]:
    container = {"name": "only", "image": image, "command": list(command), "resources": {"limits": resources}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]},
    }


def _phase(cluster: Kubernetes, name: str) -> str:
    return str(cluster.read("pod", name)["status"]["phase"])


@pytest.fixture
def image(registry: Registry, podman: Podman) -> str:
    """Busybox in the registry, to be pulled by the node."""
    name = f"{registry.host}/samples/busybox:1"
    podman.make_busybox(name, "/bin/busybox")
    podman.run("push", name)
    return name


def test_it_is_kubernetes_as_pinned(kubernetes: Kubernetes) -> None:
    version = json.loads(kubernetes.kubectl("get", "--raw", "/version"))
    assert version["gitVersion"].startswith("v1.34.")
    (node,) = kubernetes.read("nodes")["items"]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == version["gitVersion"]


def test_its_node_is_ready_and_has_two_gpus(kubernetes: Kubernetes) -> None:
    node = kubernetes.read("node", "node-a")
    assert {row["type"]: row["status"] for row in node["status"]["conditions"]}["Ready"] == "True"
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    assert node["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-A100-SXM4-80GB"


def test_a_pod_is_pulled_from_the_registry_gets_a_gpu_and_resolves_names(kubernetes: Kubernetes, image: str) -> None:
    resolve = ("nslookup", "kubernetes.default.svc.cluster.local")
    kubernetes.kubectl("apply", "-f", "-", manifest=_pod("resolver", image, *resolve, **{"nvidia.com/gpu": "1"}))
    try:
        wait_until(lambda: _phase(kubernetes, "resolver") in ("Succeeded", "Failed"), 60)
        log = kubernetes.kubectl("logs", "resolver")
        assert "10.96.0.1" in log
        assert _phase(kubernetes, "resolver") == "Succeeded", log
    finally:
        kubernetes.kubectl("delete", "pod", "resolver")


def test_a_third_gpu_is_not_there(kubernetes: Kubernetes, image: str) -> None:
    greedy = _pod("greedy", image, "true", **{"nvidia.com/gpu": "3"})
    kubernetes.kubectl("apply", "-f", "-", manifest=greedy)

    def says_why() -> bool:
        rows = kubernetes.read("pod", "greedy")["status"].get("conditions", [])
        return any("Insufficient nvidia.com/gpu" in row.get("message", "") for row in rows)

    try:
        wait_until(says_why, 30)
        assert _phase(kubernetes, "greedy") == "Pending"
    finally:
        kubernetes.kubectl("delete", "pod", "greedy")


def test_a_restricted_namespace_refuses_a_careless_pod(kubernetes: Kubernetes, image: str) -> None:
    kubernetes.kubectl("create", "namespace", "careful")
    kubernetes.kubectl("label", "namespace", "careful", "pod-security.kubernetes.io/enforce=restricted")
    careless = _pod("careless", image, "true")
    careless["metadata"]["namespace"] = "careful"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        kubernetes.kubectl("apply", "-f", "-", manifest=careless)
    assert 'violates PodSecurity "restricted' in refused.value.stderr
    kubernetes.kubectl("delete", "namespace", "careful", "--wait=false")


def test_its_traces_are_seen_while_it_runs(kubernetes: Kubernetes) -> None:
    """The starter fails when any of them stays; here is the proof that it would see them."""
    kinds = ("/sys/class/net/maianode0", "kubepods", "KUBE-SERVICES")
    assert [kind for kind in kinds if not any(trace.endswith(kind) for trace in traces())] == []
