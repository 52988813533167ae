import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.integrations.kubernetes import ours
from apps.integrations.kubernetes.port import Kind, Manifest

WORKSPACE_LABEL = "maia.io/workspace"
USER_ID = 1000


@dataclass(frozen=True)
class Place:
    """Where a project's things are made. `portal_sources` are networks (CIDR) or `namespace:NAME`.

    With `has_door` the portal's requests are passed on to Orthanc by something that stands before the cluster: by an
    ingress controller where there is an `ingress_host`, and otherwise by the API server.
    """

    namespace: str
    storage_class: str
    portal_sources: tuple[str, ...]
    orthanc_image: str
    workspace_image: str
    has_door: bool = False
    ingress_host: str = ""
    ingress_class: str = ""


@dataclass(frozen=True)
class Grant:
    """What the project was granted for its own work."""

    cpus: int
    memory_gib: int
    gpus: int
    storage_gib: int


def object_of(kind: Kind, place: Place, name: str, belongs_to: str = "", **content: Any) -> Manifest:
    metadata = {"name": name, "namespace": place.namespace, "labels": ours.labels_of(place.namespace, belongs_to)}
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
    """What all our pods have, and volumes that are given to their user when they are somebody else's, not each time."""
    pod = ours.restricted_pod(USER_ID)
    return {**pod, "securityContext": {**pod["securityContext"], "fsGroupChangePolicy": "OnRootMismatch"}}


def claim_spec(place: Place, gib: int) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage(gib)}},
    }
    return {**spec, "storageClassName": place.storage_class} if place.storage_class else spec
