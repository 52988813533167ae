"""A look at a cluster of 1,000 nodes and 10,000 pods: its time, and its memory at the most.

The lists are made, of the size that a real cluster's have, and served by a process of their own over HTTPS in the pages
that the collector asks for. Each look is a process of its own, so that its memory is its own.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bench.figures import show
from tests.clusters.servers import Handler, serving

NODES, PODS, PROJECTS, PAGE, LOOKS = 1_000, 10_000, 100, 500, 5
NOISE = {
    # What every real object carries, and a collector has to read over.
    "managedFields": [
        {
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "manager": "kube-controller-manager",
            "operation": "Update",
            "time": "2026-01-01T00:00:00Z",
            "fieldsV1": {
                f"f:field-{number}": {".": {}, f'k:{{"name":"{number}"}}': {"f:value": {}}} for number in range(40)
            },
        }
    ]
}


def namespaces() -> Iterator[dict[str, Any]]:
    for number in range(PROJECTS):
        yield {"metadata": {"name": f"project-{number}", "labels": {"app.kubernetes.io/managed-by": "maia-dashboard"}}}


def nodes() -> Iterator[dict[str, Any]]:
    amounts = {"cpu": "64", "memory": "515Gi", "ephemeral-storage": "1863Gi", "nvidia.com/gpu": "4", "pods": "110"}
    conditions = [
        {
            "type": name,
            "status": "True" if name == "Ready" else "False",
            "reason": f"Kubelet{name}",
            "message": "x" * 60,
        }
        for name in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    ]
    images = [{"names": [f"registry.example/image-{n}@sha256:{'0' * 64}"], "sizeBytes": n} for n in range(50)]
    for number in range(NODES):
        labels = {"nvidia.com/gpu.product": f"NVIDIA-{'AH'[number % 2]}100", "kubernetes.io/hostname": f"node-{number}"}
        status = {"capacity": amounts, "allocatable": amounts, "conditions": conditions, "images": images}
        yield {"metadata": {"name": f"node-{number}", "labels": labels, **NOISE}, "spec": {}, "status": status}


def pods() -> Iterator[dict[str, Any]]:
    for number in range(PODS):
        metadata = {
            "name": f"pod-{number}",
            "namespace": f"project-{number % (2 * PROJECTS)}",
            "uid": str(number),
            **NOISE,
        }
        spec = {"nodeName": f"node-{number % NODES}", "containers": [_container(n) for n in range(2)]}
        spec["initContainers"] = [_container(2)]
        statuses = [{"name": f"container-{n}", "ready": True, "imageID": f"sha256:{'0' * 64}"} for n in range(2)]
        yield {"metadata": metadata, "spec": spec, "status": {"phase": "Running", "containerStatuses": statuses}}


def _container(number: int) -> dict[str, Any]:
    resources = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
    environment = [{"name": f"VARIABLE_{n}", "value": "some value of a usual length"} for n in range(12)]
    mounts = [{"name": f"volume-{n}", "mountPath": f"/mnt/volume-{n}", "readOnly": True} for n in range(4)]
    return {"name": f"container-{number}", "resources": resources, "env": environment, "volumeMounts": mounts}


def pages() -> dict[str, list[bytes]]:
    """Each list as the bytes of its pages."""
    lists = {"namespaces": list(namespaces()), "nodes": list(nodes()), "pods": list(pods())}
    return {name: list(_pages(items)) for name, items in lists.items()}


def _pages(items: list[dict[str, Any]]) -> Iterator[bytes]:
    for start in range(0, len(items), PAGE):
        token = {"continue": str(start // PAGE + 1)} if start + PAGE < len(items) else {}
        yield json.dumps({"kind": "List", "metadata": token, "items": items[start : start + PAGE]}).encode()


@contextmanager
def server() -> Iterator[list[str]]:
    """Address, CA and bytes of a server in a child process."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.collector", "serve"],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout
        try:
            yield json.loads(child.stdout.readline())
        finally:
            child.communicate("")


def serve() -> None:
    known = pages()

    def says(asked: Handler) -> None:
        address = urlsplit(asked.path)
        name = address.path.rpartition("/")[2]
        number = int(parse_qs(address.query).get("continue", ["0"])[0])
        content = known[name][number] if name in known else b'{"gitVersion": "v1.34.4"}'
        asked.send_response(200)
        asked.send_header("Content-Length", str(len(content)))
        asked.end_headers()
        asked.wfile.write(content)

    with serving(says) as made:
        size = sum(len(page) for name in known for page in known[name])
        print(json.dumps([made.address, made.ca_pem, size]), flush=True)
        sys.stdin.read()


def look(address: str, ca_pem: str) -> None:
    """One look, as the worker does it; prints its seconds, those of work, and its process's most memory in MiB."""
    from apps.clusters.collecting import see
    from apps.integrations.kubernetes.client import KubernetesClient
    from apps.integrations.kubernetes.port import Credentials

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, worked = time.perf_counter(), time.process_time()
    seen = see(KubernetesClient(Credentials(address, ca_pem, "made-up-token")), seconds=60)
    took, cpu = time.perf_counter() - started, time.process_time() - worked
    assert (len(seen["nodes"]), sum(node["pods"] for node in seen["nodes"])) == (NODES, PODS)
    assert sum(sum(one["phases"].values()) for one in seen["projects"].values()) == PODS // 2
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([took, cpu, after / 1024, (after - before) / 1024]))


def main() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as var, server() as (address, ca_pem, size):
        own = {
            **os.environ,
            "VAR_DIR": var,
            "SECRET_KEY": "only for figures",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        command = [sys.executable, "-m", "tests.bench.collector", "look", address, ca_pem]
        figures = [
            json.loads(subprocess.run(command, env=own, check=True, capture_output=True, text=True).stdout)
            for _ in range(LOOKS)
        ]
    seconds, cpu, memory, added = zip(*figures, strict=True)
    show(
        f"look at {NODES} nodes and {PODS} pods ({size / 1e6:.0f} MB of JSON)",
        statistics.median(seconds),
        "s",
        target=2.5,
    )
    show("of which the processor works for it", statistics.median(cpu), "s")
    show("most memory of the process that looks", max(memory), "MiB", target=200)
    show("of which for the look", max(added), "MiB")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["look", address, ca_pem]:
            import django

            django.setup()
            look(address, ca_pem)
        case _:
            main()
