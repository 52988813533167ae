"""A cluster as a small plain document: its nodes with what they have and what is taken, and the pods of projects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from apps.clusters.quantities import amount
from apps.integrations.kubernetes.port import Manifest

GPU = "nvidia.com/gpu"
GPU_PRODUCT_LABEL = "nvidia.com/gpu.product"
RESOURCES = ("cpu", "memory", GPU)
ENDED = ("Succeeded", "Failed")
# These are troubles when they are true; Ready is one when it is not.
TROUBLES = {
    "MemoryPressure": "under memory pressure",
    "DiskPressure": "under disk pressure",
    "PIDPressure": "out of process ids",
    "NetworkUnavailable": "without network",
}

Amounts = Counter[str]


class Taken:
    """What pods ask for, by node and by namespace, added up one pod at a time so that none is kept."""

    def __init__(self, projects: Iterable[str]) -> None:
        self.by_node: defaultdict[str, Amounts] = defaultdict(Counter)
        self.pods_by_node: Counter[str] = Counter()
        self.projects: dict[str, dict[str, Any]] = {
            name: {"phases": Counter(), "requested": Counter()} for name in projects
        }

    def add(self, pod: Manifest) -> None:
        metadata, spec = pod.get("metadata", {}), pod.get("spec", {})
        phase = pod.get("status", {}).get("phase", "Unknown")
        project = self.projects.get(metadata.get("namespace", ""))
        if project:
            project["phases"][phase] += 1
        if phase in ENDED:
            return
        asked = requested(spec)
        if project:
            project["requested"].update(asked)
        if node := spec.get("nodeName"):
            self.by_node[node].update(asked)
            self.pods_by_node[node] += 1


def requested(spec: Mapping[str, Any]) -> Amounts:
    """What the scheduler sets aside for a pod.

    https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers and, of
    those that restart, https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    running: Amounts = Counter()
    starting: Amounts = Counter()
    for container in spec.get("initContainers") or ():
        own = _asked(container)
        if container.get("restartPolicy") == "Always":
            running.update(own)
            starting |= running
        else:
            starting |= running + own
    for container in spec.get("containers") or ():
        running.update(_asked(container))
    whole = (running | starting) + Counter()
    # Asked for the pod as a whole, which goes before the sum of its containers.
    whole.update({name: value - whole[name] for name, value in _asked(spec).items()})
    whole.update(
        {name: amount(str(value)) for name, value in (spec.get("overhead") or {}).items() if name in RESOURCES}
    )
    return whole


def _asked(holder: Mapping[str, Any]) -> Amounts:
    return _amounts(((holder.get("resources") or {}).get("requests")) or {})


def _amounts(quantities: Mapping[str, Any]) -> Amounts:
    return Counter({name: amount(str(quantities[name])) for name in RESOURCES if name in quantities})


def document(version: str, nodes: Iterable[Manifest], taken: Taken) -> dict[str, Any]:
    """JSON of `version`, `nodes` and `projects` (by namespace); memory in bytes, CPU in cores, GPUs in pieces."""
    return {
        "version": version,
        "nodes": [_node(node, taken) for node in nodes],
        "projects": {
            name: {"phases": dict(found["phases"]), "requested": _figures(found["requested"])}
            for name, found in taken.projects.items()
        },
    }


def summary(seen: Mapping[str, Any]) -> dict[str, Any]:
    """What a list of clusters shows of a document: counts, sums, and GPUs by product."""
    nodes = seen["nodes"]
    return {
        "version": seen["version"],
        "nodes": len(nodes),
        "ready": sum(node["is_ready"] for node in nodes),
        "troubled": sum(bool(node["troubles"]) for node in nodes),
        "pods": sum(node["pods"] for node in nodes),
        **{
            name: {kind: round(sum(node[kind][name] for node in nodes), 3) for kind in ("allocatable", "requested")}
            for name in ("cpu", "memory")
        },
        "gpus": _gpus(nodes),
    }


def _gpus(nodes: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By product: all that there are, those that a pod could get now, and the node that has most of these."""
    found: dict[str, dict[str, Any]] = {}
    for node in nodes:
        total = node["allocatable"]["gpu"]
        if not total:
            continue
        gpus = found.setdefault(node["gpu_product"] or "GPU", {"total": 0, "free": 0, "largest": 0, "largest_on": ""})
        free = max(0, total - node["requested"]["gpu"]) if node["is_ready"] and node["is_schedulable"] else 0
        gpus["total"] += total
        gpus["free"] += free
        if free > gpus["largest"]:
            gpus.update(largest=free, largest_on=node["name"])
    return found


def _node(node: Manifest, taken: Taken) -> dict[str, Any]:
    metadata, status = node["metadata"], node.get("status", {})
    name = metadata["name"]
    return {
        "name": name,
        "is_ready": _conditions(status).get("Ready") == "True",
        "is_schedulable": not node.get("spec", {}).get("unschedulable", False),
        "troubles": _troubles(status),
        "gpu_product": (metadata.get("labels") or {}).get(GPU_PRODUCT_LABEL, ""),
        "capacity": _figures(_amounts(status.get("capacity") or {})),
        "allocatable": _figures(_amounts(status.get("allocatable") or {})),
        "requested": _figures(taken.by_node.get(name, Counter())),
        "pods": taken.pods_by_node[name],
    }


def _troubles(status: Mapping[str, Any]) -> list[str]:
    conditions = _conditions(status)
    return [words for name, words in TROUBLES.items() if conditions.get(name) == "True"]


def _conditions(status: Mapping[str, Any]) -> dict[str, str]:
    return {row.get("type", ""): row.get("status", "") for row in status.get("conditions") or ()}


def _figures(amounts: Amounts) -> dict[str, float]:
    return {
        "cpu": round(amounts.get("cpu", 0), 3),
        "memory": round(amounts.get("memory", 0)),
        "gpu": round(amounts.get(GPU, 0)),
    }
