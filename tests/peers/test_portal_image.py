"""The portal's own image: all of it in one restricted container, which writes to its volume alone."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.peers.kubernetes import Kubernetes
from tests.waiting import wait_until

# Built the first time.
pytestmark = [pytest.mark.peers]
NAMESPACE = "portal-image"


def _pod(image: str) -> dict[str, Any]:
    container = {
        "name": "portal",
        "image": image,
        "env": [{"name": "SAMPLE_PROJECT", "value": "false"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "var", "mountPath": "/var/lib/maia"}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "securityContext": {"fsGroup": 1000},
        "volumes": [{"name": "var", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "portal", "namespace": NAMESPACE}, "spec": spec}


@pytest.fixture
def cluster(kubernetes: Kubernetes, platform_images: dict[str, str]) -> Iterator[Kubernetes]:
    kubernetes.kubectl("create", "namespace", NAMESPACE)
    kubernetes.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    try:
        wait_until(lambda: kubernetes.kubectl("get", "sa", "default", "-n", NAMESPACE, "--ignore-not-found"), 20)
        kubernetes.kubectl("apply", "-f", "-", manifest=_pod(platform_images["maia-dashboard"]))
        kubernetes.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/portal", "--timeout=120s")
        yield kubernetes
    finally:
        kubernetes.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_it_runs_the_whole_portal(cluster: Kubernetes) -> None:
    address = cluster.read("pod", "portal", "-n", NAMESPACE)["status"]["podIP"]

    def answers() -> bool:
        try:
            # By its own name, as people's proxy would: the pod's address is none of the portal's.
            headers = {"Host": "127.0.0.1:8000"}
            return requests.get(f"http://{address}:8000/healthz/ready", headers=headers, timeout=5).ok
        except requests.RequestException:
            return False

    wait_until(answers, 180)
    assert "One-time password:" in cluster.kubectl("logs", "-n", NAMESPACE, "portal")
    processes = cluster.kubectl("exec", "-n", NAMESPACE, "portal", "--", "cat", "/proc/1/cmdline")
    assert processes.split("\0")[:3] == ["python", "manage.py", "up"]
