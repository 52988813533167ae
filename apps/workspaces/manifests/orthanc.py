"""The project's Orthanc: one pod with one volume, passwords, and no anonymous access."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.integrations.kubernetes.ours import NAME_LABEL, restricted_container
from apps.integrations.kubernetes.port import CONFIG_MAP, DEPLOYMENT, INGRESS, SECRET, SERVICE, VOLUME_CLAIM, Manifest
from apps.workspaces.manifests.base import (
    Place,
    claim_spec,
    digest_of,
    object_of,
    restricted_pod,
    secret_data,
)
from apps.workspaces.manifests.needs import Needs
from apps.workspaces.manifests.network import DICOM_PORT, DOOR_PORT, HTTP_PORT

ORTHANC = "orthanc"
DICOM_SERVICE = "orthanc-dicom"
ORTHANC_NEEDS = Needs(cpu_request=100, cpu_limit=2000, memory_request_mib=256, memory_limit_mib=2048)
DOOR_NEEDS = Needs(cpu_request=10, cpu_limit=1000, memory_request_mib=32, memory_limit_mib=128)
TEMPORARY_LIMIT = "2Gi"


@dataclass(frozen=True)
class DicomPeer:
    """A device that may send by DIMSE, which knows no password: its address and calling AE title."""

    ae_title: str
    address: str
    may_retrieve: bool = False


@dataclass(frozen=True)
class OrthancWish:
    """`users` are passwords by name. `dicom_port` is the NodePort of DIMSE: only looked at where there are peers."""

    storage_gib: int
    ae_title: str
    users: Mapping[str, str]
    peers: tuple[DicomPeer, ...] = ()
    dicom_port: int = 0


def orthanc(place: Place, wish: OrthancWish) -> list[Manifest]:
    """In the order in which they are made; Ingress and the Service of DIMSE only where there are such."""
    users = secret_data({"users.json": _json({"RegisteredUsers": dict(wish.users)})})
    configuration = {"dimse.json": _json(_dimse(wish.peers))}
    pod = _pod(place, wish.ae_title, digest_of([users, configuration]))
    objects = [
        object_of(SECRET, place, ORTHANC, ORTHANC, type="Opaque", data=users),
        object_of(CONFIG_MAP, place, ORTHANC, ORTHANC, data=configuration),
        object_of(VOLUME_CLAIM, place, ORTHANC, ORTHANC, spec=claim_spec(place, wish.storage_gib)),
        object_of(SERVICE, place, ORTHANC, ORTHANC, spec=_service("ClusterIP", _ports(place))),
        object_of(DEPLOYMENT, place, ORTHANC, ORTHANC, spec=_deployment(pod)),
    ]
    if place.ingress_host:
        objects.append(_ingress(place))
    return [*objects, _dicom_service(place, wish.dicom_port)] if wish.peers else objects


def _ports(place: Place) -> dict[str, int]:
    return {"http": HTTP_PORT, "door": DOOR_PORT} if place.has_door else {"http": HTTP_PORT}


def _ingress(place: Place) -> Manifest:
    """With the controller's own certificate, and without ingress-nginx's limit of what may be sent."""
    backend = {"service": {"name": ORTHANC, "port": {"name": "door"}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    spec: dict[str, Any] = {
        "tls": [{"hosts": [place.ingress_host]}],
        "rules": [{"host": place.ingress_host, "http": {"paths": paths}}],
    }
    if place.ingress_class:
        spec["ingressClassName"] = place.ingress_class
    made = object_of(INGRESS, place, ORTHANC, ORTHANC, spec=spec)
    made["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/proxy-body-size": "0"}
    return made


def _dimse(peers: Sequence[DicomPeer]) -> dict[str, Any]:
    """https://orthanc.uclouvain.be/book/users/configuration.html: who is not listed may not even echo."""
    if not peers:
        return {"DicomServerEnabled": False}
    never = {f"DicomAlwaysAllow{verb}": False for verb in ("Echo", "Store", "Find", "Get", "Move")}
    modalities = {f"peer-{number}": _modality(peer) for number, peer in enumerate(peers)}
    return {"DicomCheckCalledAet": True, "DicomCheckModalityHost": True, **never, "DicomModalities": modalities}


def _modality(peer: DicomPeer) -> dict[str, Any]:
    reads = {"AllowFind": peer.may_retrieve, "AllowGet": peer.may_retrieve}
    return {"AET": peer.ae_title, "Host": peer.address, "Port": 104, "AllowMove": False, **reads}


def _deployment(pod: dict[str, Any]) -> dict[str, Any]:
    selector = {"matchLabels": {NAME_LABEL: ORTHANC}}
    # Two Orthancs on one volume would corrupt its index.
    return {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": selector, "template": pod}


def _pod(place: Place, ae_title: str, digest: str) -> dict[str, Any]:
    metadata = object_of(DEPLOYMENT, place, ORTHANC, ORTHANC)["metadata"]
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": ORTHANC}},
        {"name": "tmp", "emptyDir": {"sizeLimit": TEMPORARY_LIMIT}},
        {"name": "users", "secret": {"secretName": ORTHANC}},
        {"name": "dimse", "configMap": {"name": ORTHANC}},
    ]
    return {
        "metadata": {"labels": metadata["labels"], "annotations": {"maia.io/configuration": digest}},
        "spec": {**restricted_pod(), "containers": _containers(place, ae_title), "volumes": volumes},
    }


def _containers(place: Place, ae_title: str) -> list[dict[str, Any]]:
    own = _container(place, ae_title)
    return [own, _door(place)] if place.has_door else [own]


def _door(place: Place) -> dict[str, Any]:
    """Gives Orthanc as Authorization what has come under another name (deploy/orthanc/door.conf)."""
    return {
        "name": "door",
        "image": place.orthanc_image,
        "command": ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/maia/door.conf"],
        "ports": [{"name": "door", "containerPort": DOOR_PORT}],
        "resources": DOOR_NEEDS.as_resources(),
        "securityContext": restricted_container(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "readinessProbe": {"tcpSocket": {"port": DOOR_PORT}, "periodSeconds": 5},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - inside the container
    }


def _container(place: Place, ae_title: str) -> dict[str, Any]:
    # An opened port is all that a probe can ask for without the password.
    probe = {"tcpSocket": {"port": HTTP_PORT}, "periodSeconds": 5}
    return {
        "name": ORTHANC,
        "image": place.orthanc_image,
        "env": [{"name": "ORTHANC_NAME", "value": ae_title}],
        "ports": [{"name": "http", "containerPort": HTTP_PORT}, {"name": "dicom", "containerPort": DICOM_PORT}],
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


def _service(kind: str, ports: Mapping[str, int]) -> dict[str, Any]:
    listed = [{"name": name, "port": port, "protocol": "TCP", "targetPort": name} for name, port in ports.items()]
    return {"type": kind, "selector": {NAME_LABEL: ORTHANC}, "ports": listed}


def _dicom_service(place: Place, node_port: int) -> Manifest:
    # Local keeps the device's own address, by which it is let in.
    spec = {**_service("NodePort", {"dicom": DICOM_PORT}), "externalTrafficPolicy": "Local"}
    spec["ports"][0]["nodePort"] = node_port
    return object_of(SERVICE, place, DICOM_SERVICE, ORTHANC, spec=spec)


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True)
