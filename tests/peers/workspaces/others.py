"""What people run in the namespace of their project besides what the platform makes, and what is there of all."""

from typing import Any

from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.port import (
    DEPLOYMENT,
    JOB,
    POD,
    STATEFUL_SET,
    Manifest,
)
from apps.projects.models import Project


def pod_spec(**more: Any) -> dict[str, Any]:
    """What runs in it does not matter here."""
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {"containers": [{"name": "server", "image": "127.0.0.1:1/none:1", "securityContext": security}], **more}


def model_server(project: Project) -> list[Manifest]:
    """Somebody's MONAI Label server, as its chart makes it."""
    labels = {"app.kubernetes.io/name": "monailabel", "app": "brain"}
    metadata = {"name": "brain", "namespace": project.namespace, "labels": labels}
    template = {"metadata": {"labels": labels}, "spec": pod_spec()}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "brain"}}, "template": template}
    ports = [{"name": "http", "port": 8000}]
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": ports}},
    ]


def bare_pod(project: Project, name: str) -> Manifest:
    metadata = {"name": name, "namespace": project.namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec()}


def job(project: Project) -> Manifest:
    metadata = {"name": "training", "namespace": project.namespace}
    template = {"spec": pod_spec(restartPolicy="Never")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}


def pods(api: KubernetesClient, project: Project) -> list[str]:
    """Those that have not ended: one that has is there until the node has tidied up."""
    found = api.objects(POD, namespace=project.namespace)
    return sorted(one["metadata"]["name"] for one in found if one["status"]["phase"] not in ("Succeeded", "Failed"))


def replicas(api: KubernetesClient, project: Project) -> dict[str, int]:
    return {
        one["metadata"]["name"]: one["spec"]["replicas"]
        for kind in (DEPLOYMENT, STATEFUL_SET)
        for one in api.objects(kind, namespace=project.namespace)
    }


def is_suspended(api: KubernetesClient, project: Project) -> bool:
    found = api.read(JOB, "training", project.namespace)
    assert found is not None
    return bool(found["spec"].get("suspend"))
