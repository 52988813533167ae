"""A run as a Kubernetes Job: what is sent to the cluster, made without asking it anything.

One pod does it in order: `stage` (ours) fetches the images, `algorithm` (theirs) runs, `collect` (ours) checks and
stores the outputs. The archive's secret is mounted in ours alone.
https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from apps.integrations.executors.port import Limits
from apps.integrations.kubernetes.ours import labels_of, restricted_container, restricted_pod
from apps.integrations.kubernetes.port import Manifest

RUN_LABEL = "maia.io/run"
ENDED_BY = "maia.io/ended-by"
TIMEOUT = "maia.io/timeout-seconds"
STAGE, ALGORITHM, COLLECT = "stage", "algorithm", "collect"

INPUT, OUTPUT, HOME, TEMPORARY = "/in", "/out", "/home/run", "/tmp"  # noqa: S108
REQUEST, ARCHIVE = "/request", "/archive"
PART_BYTES = 768 * 1024
"""A ConfigMap holds at most 1 MiB."""
USER_ID = 65532
"""Any but root; all containers have the same, so that `collect` reads what the algorithm wrote."""
STAGE_SECONDS, COLLECT_SECONDS = 3600, 3600
GRACE_SECONDS = 5
LOST_NODE_SECONDS = 30
MIB = 1024**2
OWN_MEMORY = "2560Mi"
"""The gate's child may take 2 GiB."""


@dataclass(frozen=True)
class JobSpec:
    """One attempt to run an algorithm in a cluster."""

    name: str
    namespace: str
    image: str
    """By digest."""
    arguments: tuple[str, ...]
    """What follows the two folders."""
    limits: Limits
    own_image: str
    """The portal's, for `stage` and `collect`."""
    stage_command: tuple[str, ...]
    collect_command: tuple[str, ...]
    input_bytes: int = 0
    request: bytes = field(default=b"", repr=False)
    """What `stage` and `collect` are told; they find it in pieces below REQUEST."""
    archive_secret: str = ""
    """Its keys are files below ARCHIVE for `stage` and `collect`."""
    gpus: int = 0
    gpu_product: str = ""

    @property
    def parts(self) -> list[bytes]:
        return [self.request[start : start + PART_BYTES] for start in range(0, len(self.request), PART_BYTES)]


def job_of(run: JobSpec) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(run, run.name),
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": {
                    "labels": _labels(run),
                    "annotations": {TIMEOUT: str(run.limits.timeout_seconds)},
                },
                "spec": _pod(run),
            },
        },
    }


def _pod(run: JobSpec) -> dict[str, Any]:
    deadline_seconds = STAGE_SECONDS + int(run.limits.timeout_seconds) + COLLECT_SECONDS
    node_selector = {"nodeSelector": {"nvidia.com/gpu.product": run.gpu_product}} if run.gpu_product else {}
    return {
        "restartPolicy": "Never",
        **restricted_pod(USER_ID),
        # No names are resolved: ours are told the archive's address, and theirs shall find nothing.
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        # From the moment that a node has the pod: waiting for one takes nothing from the algorithm's time.
        "activeDeadlineSeconds": deadline_seconds,
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{trouble}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": LOST_NODE_SECONDS,
            }
            for trouble in ("not-ready", "unreachable")
        ],
        "initContainers": [_own(run, STAGE, run.stage_command), _algorithm(run)],
        "containers": [_own(run, COLLECT, run.collect_command)],
        "volumes": _volumes(run),
        **node_selector,
    }


def config_maps_of(run: JobSpec) -> list[Manifest]:
    """The request in pieces."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _metadata(run, _part_name(run, number)),
            "binaryData": {"part": b64encode(part).decode()},
        }
        for number, part in enumerate(run.parts)
    ]


def _algorithm(run: JobSpec) -> dict[str, Any]:
    threads = str(run.limits.cpus)
    environment = {"HOME": HOME, "TMPDIR": TEMPORARY, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    limits = {"memory": str(run.limits.memory_bytes), "cpu": threads}
    if run.gpus:
        limits["nvidia.com/gpu"] = str(run.gpus)
    return {
        "name": ALGORITHM,
        "image": run.image,
        "args": [INPUT, OUTPUT, *run.arguments],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {"limits": limits, "requests": {**limits, "cpu": "250m"}},
        "securityContext": restricted_container(),
        "volumeMounts": [
            {"name": "in", "mountPath": INPUT, "readOnly": True},
            {"name": "out", "mountPath": OUTPUT},
            {"name": "home", "mountPath": HOME},
            {"name": "tmp", "mountPath": TEMPORARY},
        ],
    }


def _own(run: JobSpec, name: str, command: tuple[str, ...]) -> dict[str, Any]:
    limits = {"memory": OWN_MEMORY, "cpu": "1"}
    mounts: list[dict[str, Any]] = [
        {"name": "in", "mountPath": INPUT, "readOnly": name == COLLECT},
        {"name": "own-tmp", "mountPath": TEMPORARY},
    ]
    if name == COLLECT:
        mounts.append({"name": "out", "mountPath": OUTPUT})
    if run.request:
        mounts.append({"name": "request", "mountPath": REQUEST, "readOnly": True})
    if run.archive_secret:
        mounts.append({"name": "archive", "mountPath": ARCHIVE, "readOnly": True})
    return {
        "name": name,
        "image": run.own_image,
        "command": list(command),
        "resources": {"limits": limits, "requests": {"memory": "256Mi", "cpu": "100m"}},
        "securityContext": restricted_container(),
        "volumeMounts": mounts,
    }


def _volumes(run: JobSpec) -> list[dict[str, Any]]:
    """Scratch of limited size; a pod that fills one is evicted."""
    output_bytes = run.limits.output_bytes
    sizes = {
        "in": run.input_bytes * 11 // 10 + 64 * MIB,
        "out": output_bytes,
        "home": output_bytes // 4,
        "tmp": output_bytes // 4,
        "own-tmp": 64 * MIB,
    }
    volumes: list[dict[str, Any]] = [
        {"name": name, "emptyDir": {"sizeLimit": str(size)}} for name, size in sizes.items()
    ]
    if run.request:
        sources = [
            {"configMap": {"name": _part_name(run, number), "items": [{"key": "part", "path": f"{number:04d}"}]}}
            for number in range(len(run.parts))
        ]
        volumes.append({"name": "request", "projected": {"sources": sources}})
    if run.archive_secret:
        volumes.append({"name": "archive", "secret": {"secretName": run.archive_secret, "defaultMode": 0o440}})
    return volumes


def _metadata(run: JobSpec, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": run.namespace, "labels": _labels(run)}


def _labels(run: JobSpec) -> dict[str, str]:
    return {**labels_of(run.namespace, "run"), RUN_LABEL: run.name}


def _part_name(run: JobSpec, number: int) -> str:
    return f"{run.name}-{number}"
