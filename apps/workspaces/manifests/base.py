import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.integrations.kubernetes.port import Kind, Manifest

MANAGED_BY = {"app.kubernetes.io/managed-by": "maia-dashboard"}
PROJECT_LABEL, NAME_LABEL, WORKSPACE_LABEL = "maia.io/project", "app.kubernetes.io/name", "maia.io/workspace"
USER_ID = 1000


@dataclass(frozen=True)
class Place:
    """Where a project's things are made. `portal_sources` are networks (CIDR) or `namespace:NAME`."""

    namespace: str
    storage_class: str
    portal_sources: tuple[str, ...]
    orthanc_image: str
    workspace_image: str


@dataclass(frozen=True)
class Grant:
    """What the project was granted for its own work."""

    cpus: int
    memory_gib: int
    gpus: int
    storage_gib: int


def labels_of(namespace: str, name: str = "") -> dict[str, str]:
    """The labels of all that is ours, by which it is found again; `name` says what it belongs to."""
    named = {NAME_LABEL: name} if name else {}
    return {**MANAGED_BY, PROJECT_LABEL: namespace, **named}


def object_of(kind: Kind, place: Place, name: str, belongs_to: str = "", **content: Any) -> Manifest:
    metadata = {"name": name, "namespace": place.namespace, "labels": labels_of(place.namespace, belongs_to)}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content}


def cpu(millicores: int) -> str:
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def memory(mib: int) -> str:
    return f"{mib}Mi" if mib % 1024 else storage(mib // 1024)


def storage(gib: int) -> str:
    return f"{gib}Gi" if gib % 1024 else f"{gib // 1024}Ti"


def secret_data(files: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}


def digest_of(content: object) -> str:
    """Changes whenever the content does; with it in a pod's annotations the pod is made anew then."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def restricted_pod() -> dict[str, Any]:
    """The part of a pod that Pod Security `restricted` asks for, without a service account's token."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def restricted_container() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def claim_spec(place: Place, gib: int) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage(gib)}},
    }
    return {**spec, "storageClassName": place.storage_class} if place.storage_class else spec
