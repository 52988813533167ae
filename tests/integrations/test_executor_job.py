"""A run as a Job: compared whole, since each line of it holds the algorithm back."""

from __future__ import annotations

import base64
from dataclasses import replace

from apps.core.units import GIB
from apps.integrations.executors.job import PART_BYTES, JobSpec, config_maps_of, job_of
from apps.integrations.executors.port import Limits

SPEC = JobSpec(
    name="run-12-1",
    namespace="cardiac-mr",
    image="registry.example/threshold@sha256:aa",
    arguments=("1.2.3", "--threshold=300"),
    limits=Limits(memory_bytes=4 * GIB, timeout_seconds=900),
    own_image="registry.example/maia-dashboard@sha256:bb",
    stage_command=("stage",),
    collect_command=("collect",),
    input_bytes=1000,
    request=b"what they are told",
    archive_secret="orthanc",
    gpus=1,
    gpu_product="NVIDIA-A100",
)
LABELS = {
    "app.kubernetes.io/managed-by": "maia-dashboard",
    "app.kubernetes.io/name": "run",
    "maia.io/project": "cardiac-mr",
    "maia.io/run": "run-12-1",
}
LOCKED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
OWN = {
    "image": "registry.example/maia-dashboard@sha256:bb",
    "resources": {
        "limits": {"memory": "2560Mi", "cpu": "1"},
        "requests": {"memory": "256Mi", "cpu": "100m"},
    },
    "securityContext": LOCKED,
}
SECRETS = [
    {"name": "request", "mountPath": "/request", "readOnly": True},
    {"name": "archive", "mountPath": "/archive", "readOnly": True},
]


def test_the_whole_job() -> None:
    assert job_of(SPEC) == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "run-12-1",
            "namespace": "cardiac-mr",
            "labels": LABELS,
        },
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": LABELS, "annotations": {"maia.io/timeout-seconds": "900"}},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "dnsPolicy": "None",
                    "dnsConfig": {"nameservers": ["127.0.0.1"]},
                    "terminationGracePeriodSeconds": 5,
                    "activeDeadlineSeconds": 3600 + 900 + 3600,
                    "nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-A100"},
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "fsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "tolerations": [
                        {
                            "key": f"node.kubernetes.io/{trouble}",
                            "operator": "Exists",
                            "effect": "NoExecute",
                            "tolerationSeconds": 30,
                        }
                        for trouble in ("not-ready", "unreachable")
                    ],
                    "initContainers": [
                        {
                            "name": "stage",
                            "command": ["stage"],
                            **OWN,
                            "volumeMounts": [
                                {"name": "in", "mountPath": "/in", "readOnly": False},
                                {"name": "own-tmp", "mountPath": "/tmp"},
                                *SECRETS,
                            ],
                        },
                        {
                            "name": "algorithm",
                            "image": "registry.example/threshold@sha256:aa",
                            "args": ["/in", "/out", "1.2.3", "--threshold=300"],
                            "env": [
                                {"name": "HOME", "value": "/home/run"},
                                {"name": "TMPDIR", "value": "/tmp"},
                                {"name": "OMP_NUM_THREADS", "value": "1"},
                                {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
                            ],
                            "resources": {
                                "limits": {"memory": str(4 * GIB), "cpu": "1", "nvidia.com/gpu": "1"},
                                "requests": {"memory": str(4 * GIB), "cpu": "250m", "nvidia.com/gpu": "1"},
                            },
                            "securityContext": LOCKED,
                            "volumeMounts": [
                                {"name": "in", "mountPath": "/in", "readOnly": True},
                                {"name": "out", "mountPath": "/out"},
                                {"name": "home", "mountPath": "/home/run"},
                                {"name": "tmp", "mountPath": "/tmp"},
                            ],
                        },
                    ],
                    "containers": [
                        {
                            "name": "collect",
                            "command": ["collect"],
                            **OWN,
                            "volumeMounts": [
                                {"name": "in", "mountPath": "/in", "readOnly": True},
                                {"name": "own-tmp", "mountPath": "/tmp"},
                                {"name": "out", "mountPath": "/out"},
                                *SECRETS,
                            ],
                        }
                    ],
                    "volumes": [
                        {"name": "in", "emptyDir": {"sizeLimit": str(1100 + 64 * 1024**2)}},
                        {"name": "out", "emptyDir": {"sizeLimit": str(4 * GIB)}},
                        {"name": "home", "emptyDir": {"sizeLimit": str(GIB)}},
                        {"name": "tmp", "emptyDir": {"sizeLimit": str(GIB)}},
                        {"name": "own-tmp", "emptyDir": {"sizeLimit": str(64 * 1024**2)}},
                        {
                            "name": "request",
                            "projected": {
                                "sources": [
                                    {
                                        "configMap": {
                                            "name": "run-12-1-0",
                                            "items": [{"key": "part", "path": "0000"}],
                                        }
                                    }
                                ]
                            },
                        },
                        {"name": "archive", "secret": {"secretName": "orthanc", "defaultMode": 0o440}},
                    ],
                },
            },
        },
    }


def test_without_a_gpu_none_is_asked_for() -> None:
    pod = job_of(replace(SPEC, gpus=0, gpu_product=""))["spec"]["template"]["spec"]
    assert "nodeSelector" not in pod
    assert "nvidia.com/gpu" not in pod["initContainers"][1]["resources"]["limits"]


def test_a_request_goes_in_pieces_that_a_config_map_holds() -> None:
    request = bytes(range(256)) * (PART_BYTES // 256) + b"and the rest"
    parts = config_maps_of(replace(SPEC, request=request))
    assert [part["metadata"] for part in parts] == [
        {"name": f"run-12-1-{number}", "namespace": "cardiac-mr", "labels": LABELS} for number in (0, 1)
    ]
    assert b"".join(base64.b64decode(part["binaryData"]["part"]) for part in parts) == request
