"""The project's Orthanc: one pod with one volume, passwords, and no anonymous access."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.integrations.kubernetes.ours import NAME_LABEL, restricted_container
from apps.integrations.kubernetes.port import CONFIG_MAP, DEPLOYMENT, SECRET, SERVICE, VOLUME_CLAIM, Manifest
from apps.workspaces.manifests.base import (
    Place,
    claim_spec,
    digest_of,
    object_of,
    restricted_pod,
    secret_data,
)
from apps.workspaces.manifests.needs import Needs

ORTHANC = "orthanc"
DICOM_SERVICE = "orthanc-dicom"
ORTHANC_NEEDS = Needs(cpu_request=100, cpu_limit=2000, memory_request_mib=256, memory_limit_mib=2048)
LONGEST_AE_TITLE = 16
TEMPORARY_LIMIT = "2Gi"


@dataclass(frozen=True)
class DicomPeer:
    """A device that may send by DIMSE, which knows no password: its address and calling AE title."""

    ae_title: str
    address: str


@dataclass(frozen=True)
class OrthancWish:
    """`users` are passwords by name. `dicom_port` is the NodePort of DIMSE: only looked at where there are peers."""

    storage_gib: int
    users: Mapping[str, str]
    peers: tuple[DicomPeer, ...] = ()
    dicom_port: int = 0


def ae_title_of(namespace: str) -> str:
    """The called AE title of a project's Orthanc (PS3.5 6.2: 16 characters); not unique, and need not be."""
    return re.sub(r"[^A-Z0-9]", "", namespace.upper())[:LONGEST_AE_TITLE]


def orthanc(place: Place, wish: OrthancWish) -> list[Manifest]:
    """In the order in which they are made; the Service of DIMSE only where peers are listed."""
    users = secret_data({"users.json": _json({"RegisteredUsers": dict(wish.users)})})
    configuration = {"dimse.json": _json(_dimse(wish.peers))}
    pod = _pod(place, digest_of([users, configuration]))
    objects = [
        object_of(SECRET, place, ORTHANC, ORTHANC, type="Opaque", data=users),
        object_of(CONFIG_MAP, place, ORTHANC, ORTHANC, data=configuration),
        object_of(VOLUME_CLAIM, place, ORTHANC, ORTHANC, spec=claim_spec(place, wish.storage_gib)),
        object_of(SERVICE, place, ORTHANC, ORTHANC, spec=_service("ClusterIP", "http", 8042)),
        object_of(DEPLOYMENT, place, ORTHANC, ORTHANC, spec=_deployment(pod)),
    ]
    return [*objects, _dicom_service(place, wish.dicom_port)] if wish.peers else objects


def _dimse(peers: Sequence[DicomPeer]) -> dict[str, Any]:
    """https://orthanc.uclouvain.be/book/users/configuration.html: who is not listed may not even echo."""
    if not peers:
        return {"DicomServerEnabled": False}
    never = {f"DicomAlwaysAllow{verb}": False for verb in ("Echo", "Store", "Find", "Get", "Move")}
    modalities = {
        f"peer-{number}": {"AET": peer.ae_title, "Host": peer.address, "Port": 104, "AllowMove": False}
        for number, peer in enumerate(peers)
    }
    return {"DicomCheckCalledAet": True, "DicomCheckModalityHost": True, **never, "DicomModalities": modalities}


def _deployment(pod: dict[str, Any]) -> dict[str, Any]:
    selector = {"matchLabels": {NAME_LABEL: ORTHANC}}
    # Two Orthancs on one volume would corrupt its index.
    return {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": selector, "template": pod}


def _pod(place: Place, digest: str) -> dict[str, Any]:
    metadata = object_of(DEPLOYMENT, place, ORTHANC, ORTHANC)["metadata"]
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": ORTHANC}},
        {"name": "tmp", "emptyDir": {"sizeLimit": TEMPORARY_LIMIT}},
        {"name": "users", "secret": {"secretName": ORTHANC}},
        {"name": "dimse", "configMap": {"name": ORTHANC}},
    ]
    return {
        "metadata": {"labels": metadata["labels"], "annotations": {"maia.io/configuration": digest}},
        "spec": {**restricted_pod(), "containers": [_container(place)], "volumes": volumes},
    }


def _container(place: Place) -> dict[str, Any]:
    # An opened port is all that a probe can ask for without the password.
    probe = {"tcpSocket": {"port": 8042}, "periodSeconds": 5}
    return {
        "name": ORTHANC,
        "image": place.orthanc_image,
        "env": [{"name": "ORTHANC_NAME", "value": ae_title_of(place.namespace)}],
        "ports": [{"name": "http", "containerPort": 8042}, {"name": "dicom", "containerPort": 4242}],
        "resources": ORTHANC_NEEDS.as_resources(),
        "securityContext": restricted_container(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 150},
        "readinessProbe": probe,
        "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 3},
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container
            {"name": "users", "mountPath": "/etc/orthanc/users.json", "subPath": "users.json", "readOnly": True},
            {"name": "dimse", "mountPath": "/etc/orthanc/dimse.json", "subPath": "dimse.json", "readOnly": True},
        ],
    }


def _service(kind: str, name: str, port: int) -> dict[str, Any]:
    ports = [{"name": name, "port": port, "protocol": "TCP", "targetPort": name}]
    return {"type": kind, "selector": {NAME_LABEL: ORTHANC}, "ports": ports}


def _dicom_service(place: Place, node_port: int) -> Manifest:
    # Local keeps the device's own address, by which it is let in.
    spec = {**_service("NodePort", "dicom", 4242), "externalTrafficPolicy": "Local"}
    spec["ports"][0]["nodePort"] = node_port
    return object_of(SERVICE, place, DICOM_SERVICE, ORTHANC, spec=spec)


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True)
