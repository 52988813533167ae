"""Nodes and pods as the API gives them, cut down to what counts."""

from __future__ import annotations

from apps.integrations.kubernetes.port import Manifest

PRODUCT = "NVIDIA-A100-SXM4-80GB"


def a_node(name: str, *, ready: str = "True", gpus: int = 2, product: str = PRODUCT) -> Manifest:
    amounts = {"cpu": "32", "memory": "128Gi", "pods": "110", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    labels = {"nvidia.com/gpu.product": product} if gpus else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
        },
    }


def a_pod(name: str, namespace: str, *, node: str = "", phase: str = "Running", gpus: int = 0) -> Manifest:
    requests = {"cpu": "500m", "memory": "1Gi", **({"nvidia.com/gpu": str(gpus)} if gpus else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"nodeName": node, "containers": [{"name": "main", "resources": {"requests": requests}}]},
        "status": {"phase": phase},
    }
