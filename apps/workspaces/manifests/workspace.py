"""One person's workspace: sshd, JupyterLab and a desktop in one pod, with a home that outlives it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.integrations.kubernetes.ours import NAME_LABEL, restricted_container
from apps.integrations.kubernetes.port import CONFIG_MAP, SERVICE, STATEFUL_SET, VOLUME_CLAIM, Manifest
from apps.workspaces.manifests.base import (
    WORKSPACE_LABEL,
    Place,
    claim_spec,
    object_of,
    restricted_pod,
)
from apps.workspaces.manifests.needs import Needs

WORKSPACE = "workspace"
WORKSPACE_USER = "maia"
HOME_GIB = 20
WORKSPACE_NEEDS = Needs(cpu_request=100, cpu_limit=2000, memory_request_mib=512, memory_limit_mib=4096)
TEMPORARY_LIMIT = "2Gi"
HOME = f"/home/{WORKSPACE_USER}"
PORTS = {"ssh": 2222, "jupyter": 8888, "desktop": 6080}


@dataclass(frozen=True)
class WorkspaceWish:
    """`name` is that of all its objects; `base_path` is where the front shows it, with slashes around."""

    name: str
    pk: int
    ssh_port: int
    base_path: str
    authorized_keys: tuple[str, ...]


def workspace(place: Place, wish: WorkspaceWish) -> list[Manifest]:
    """In the order in which they are made."""
    keys = {"authorized_keys": "".join(f"{key}\n" for key in wish.authorized_keys)}
    return [
        home_claim(place, wish.name, wish.pk),
        _object(CONFIG_MAP, place, wish, wish.name, data=keys),
        _object(SERVICE, place, wish, wish.name, spec=_service(wish, "ClusterIP", ("jupyter", "desktop"))),
        _object(SERVICE, place, wish, f"{wish.name}-ssh", spec=_ssh_service(wish)),
        _object(STATEFUL_SET, place, wish, wish.name, spec=_stateful_set(place, wish)),
    ]


def home_claim(place: Place, name: str, pk: int) -> Manifest:
    """The home folder; it is kept for a while after its person has left."""
    claim = object_of(VOLUME_CLAIM, place, name, WORKSPACE, spec=claim_spec(place, HOME_GIB))
    claim["metadata"]["labels"][WORKSPACE_LABEL] = str(pk)
    return claim


def _object(kind: Any, place: Place, wish: WorkspaceWish, name: str, **content: Any) -> Manifest:
    made = object_of(kind, place, name, WORKSPACE, **content)
    made["metadata"]["labels"][WORKSPACE_LABEL] = str(wish.pk)
    return made


def _selector(wish: WorkspaceWish) -> dict[str, str]:
    return {NAME_LABEL: WORKSPACE, WORKSPACE_LABEL: str(wish.pk)}


def _service(wish: WorkspaceWish, kind: str, names: Sequence[str]) -> dict[str, Any]:
    ports = [{"name": name, "port": PORTS[name], "protocol": "TCP", "targetPort": name} for name in names]
    return {"type": kind, "selector": _selector(wish), "ports": ports}


def _ssh_service(wish: WorkspaceWish) -> dict[str, Any]:
    spec = _service(wish, "NodePort", ("ssh",))
    spec["ports"][0]["nodePort"] = wish.ssh_port
    return spec


def _stateful_set(place: Place, wish: WorkspaceWish) -> dict[str, Any]:
    labels = _object(STATEFUL_SET, place, wish, wish.name)["metadata"]["labels"]
    pod = {**restricted_pod(), "containers": [_container(place, wish)], "volumes": _volumes(wish)}
    return {
        "replicas": 1,
        # Otherwise a pod that never gets ready would keep a mended one from taking its place.
        "podManagementPolicy": "Parallel",
        "serviceName": wish.name,
        "selector": {"matchLabels": _selector(wish)},
        "template": {"metadata": {"labels": labels}, "spec": {**pod, "terminationGracePeriodSeconds": 10}},
    }


def _volumes(wish: WorkspaceWish) -> list[dict[str, Any]]:
    return [
        {"name": "home", "persistentVolumeClaim": {"claimName": wish.name}},
        {"name": "keys", "configMap": {"name": wish.name}},
        {"name": "tmp", "emptyDir": {"sizeLimit": TEMPORARY_LIMIT}},
    ]


def _container(place: Place, wish: WorkspaceWish) -> dict[str, Any]:
    return {
        "name": WORKSPACE,
        "image": place.workspace_image,
        "env": [{"name": "BASE_URL", "value": f"{wish.base_path}jupyter/"}],
        "ports": [{"name": name, "containerPort": number} for name, number in PORTS.items()],
        "resources": WORKSPACE_NEEDS.as_resources(),
        "securityContext": restricted_container(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "readinessProbe": {"tcpSocket": {"port": PORTS["ssh"]}, "periodSeconds": 5},
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "keys", "mountPath": "/etc/maia", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the container
        ],
    }
