"""The Orthanc of a project: the image in deploy/orthanc, as a pod under the strictest Pod Security."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.peers.kubernetes import Kubernetes
from tests.waiting import wait_until

# Built the first time.
pytestmark = [pytest.mark.peers]
NAMESPACE = "orthanc-image"
USER, PASSWORD = "maia", "a password of this test"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "orthanc", "namespace": NAMESPACE},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def _pod(image: str) -> dict[str, Any]:
    container = {
        "name": "orthanc",
        "image": image,
        "env": [{"name": "ORTHANC_NAME", "value": "CARDIACMR"}],
        "securityContext": {
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "users", "mountPath": "/etc/orthanc/users.json", "subPath": "users.json"},
        ],
    }
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "orthanc"}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "users", "secret": {"secretName": "orthanc"}},
    ]
    spec = {
        "securityContext": {"runAsUser": 4711, "runAsGroup": 4711, "fsGroup": 4711},
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": volumes,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "orthanc", "namespace": NAMESPACE},
        "spec": spec,
    }


@pytest.fixture
def address(kubernetes: Kubernetes, platform_images: dict[str, str]) -> Iterator[str]:
    """Where the pod answers: its own address, which this machine reaches."""
    kubernetes.kubectl("create", "namespace", NAMESPACE)
    kubernetes.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    try:
        _start(kubernetes, platform_images["orthanc"])
        pod = kubernetes.read("pod", "orthanc", "-n", NAMESPACE)
        yield f"http://{pod['status']['podIP']}:8042"
    finally:
        kubernetes.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def _start(cluster: Kubernetes, image: str) -> None:
    users = json.dumps({"RegisteredUsers": {USER: PASSWORD}})
    cluster.kubectl("create", "secret", "generic", "orthanc", "-n", NAMESPACE, f"--from-literal=users.json={users}")
    wait_until(lambda: cluster.kubectl("get", "sa", "default", "-n", NAMESPACE, "--ignore-not-found"), 20)
    cluster.kubectl("apply", "-f", "-", manifest=CLAIM)
    cluster.kubectl("apply", "-f", "-", manifest=_pod(image))
    try:
        cluster.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/orthanc", "--timeout=50s")
    except subprocess.CalledProcessError as error:
        error.add_note(cluster.kubectl("describe", "pod", "-n", NAMESPACE, "orthanc"))
        raise


def test_it_runs_restricted_and_refuses_anonymous(address: str) -> None:
    wait_until(lambda: _status(f"{address}/system") == 401, 30)
    assert _status(f"{address}/dicom-web/studies") == 401
    system = requests.get(f"{address}/system", auth=(USER, PASSWORD), timeout=5).json()
    assert (system["Name"], system["DicomAet"]) == ("CARDIACMR", "CARDIACMR")
    assert requests.get(f"{address}/dicom-web/studies", auth=(USER, PASSWORD), timeout=5).json() == []


def _status(address: str) -> int | None:
    try:
        return requests.get(address, timeout=5).status_code
    except requests.ConnectionError:
        return None
