"""Amounts, and what the scheduler sets aside for a pod."""

from typing import Any

import pytest

from apps.clusters.quantities import amount
from apps.clusters.reading import Taken, document, requested, summary
from tests.clusters.objects import a_node, a_pod


@pytest.mark.parametrize(
    ("quantity", "is_"),
    [
        ("2", 2), ("0.5", 0.5), ("250m", 0.25), ("100n", 1e-7), ("1k", 1000), ("1Ki", 1024), ("16Gi", 16 * 1024**3),
        ("1.5Gi", 1.5 * 1024**3), ("1e3", 1000), ("129e6", 129e6), ("5M", 5e6), ("1E", 1e18), ("", 0), ("many", 0),
    ],
)  # fmt: skip
def test_amounts(quantity: str, is_: float) -> None:
    assert amount(quantity) == pytest.approx(is_)


def container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}, **more}


SIDECAR = container("1", restartPolicy="Always")


@pytest.mark.parametrize(
    ("spec", "cores"),
    [
        ({"containers": [container("1"), container("500m"), {}]}, 1.5),
        ({"containers": [container("1")], "initContainers": [container("3"), container("2")]}, 3),
        ({"containers": [container("4")], "initContainers": [container("3")]}, 4),
        # A sidecar runs beside the containers, and beside the init containers after it.
        (
            {
                "containers": [container("1")],
                "initContainers": [SIDECAR, container("3")],
            },
            4,
        ),
        (
            {
                "containers": [container("2")],
                "initContainers": [container("2"), SIDECAR],
            },
            3,
        ),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, 1.25),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "3"}}}, 3),
        ({"containers": [{"resources": {}}], "initContainers": None}, 0),
        ({}, 0),
    ],
)
def test_requests(spec: dict[str, Any], cores: float) -> None:
    assert requested(spec)["cpu"] == pytest.approx(cores)


def test_gpus_free_are_those_that_a_pod_could_get() -> None:
    taken = Taken([])
    taken.add(a_pod("one", "a", node="busy", gpus=1))
    taken.add(a_pod("waits", "a", phase="Pending", gpus=4))
    closed = a_node("closed", gpus=8)
    closed["spec"]["unschedulable"] = True
    nodes = [a_node("busy", gpus=4), a_node("idle"), closed, a_node("h", gpus=8, product="H100"), a_node("cpu", gpus=0)]
    assert summary(document("v1", nodes, taken))["gpus"] == {
        "NVIDIA-A100-SXM4-80GB": {"total": 14, "free": 5, "largest": 3, "largest_on": "busy"},
        "H100": {"total": 8, "free": 8, "largest": 8, "largest_on": "h"},
    }


def test_troubles_and_gaps() -> None:
    node = a_node("odd")
    node["status"]["conditions"] += [{"type": "DiskPressure", "status": "True"}]
    bare = {"metadata": {"name": "bare", "labels": None}, "status": {}}
    seen = document("v1", [node, bare], Taken([]))
    assert seen["nodes"][0]["troubles"] == ["under disk pressure"]
    assert (seen["nodes"][1]["is_ready"], seen["nodes"][1]["gpu_product"]) == (False, "")
    assert summary(seen)["troubled"] == 1
