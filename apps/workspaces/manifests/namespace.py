"""The namespace itself, what may be used in it, and who may look at it."""

from apps.integrations.kubernetes.ours import labels_of
from apps.integrations.kubernetes.port import LIMIT_RANGE, NAMESPACE, RESOURCE_QUOTA, ROLE_BINDING, Manifest
from apps.workspaces.manifests.base import Grant, Place, cpu, memory, object_of, storage
from apps.workspaces.manifests.orthanc import DOOR_NEEDS, ORTHANC_NEEDS
from apps.workspaces.manifests.workspace import HOME_GIB, WORKSPACE_NEEDS

POD_SECURITY = "pod-security.kubernetes.io"
QUOTA = "project"
CLAIM_LABEL = "maia.io/claim"


def namespace(name: str, claim: str) -> Manifest:
    """`claim` tells it from a namespace of the same name that somebody else has made.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    security = {f"{POD_SECURITY}/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    return {
        "apiVersion": NAMESPACE.api_version,
        "kind": NAMESPACE.kind,
        "metadata": {"name": name, "labels": {**labels_of(name), CLAIM_LABEL: claim, **security}},
    }


def resource_quota(place: Place, grant: Grant, *, workspaces: int, homes: int, is_asleep: bool = False) -> Manifest:
    """What was granted, and on top of it what the platform itself runs: Orthanc, `workspaces`, and `homes` kept.

    While the project is asleep nobody begins a pod in it.
    """
    needs = [ORTHANC_NEEDS, *[DOOR_NEEDS] * place.has_door, *[WORKSPACE_NEEDS] * workspaces]
    hard = {
        "requests.cpu": cpu(grant.cpus * 1000 + sum(need.cpu_request for need in needs)),
        "requests.memory": memory(grant.memory_gib * 1024 + sum(need.memory_request_mib for need in needs)),
        "limits.memory": memory(grant.memory_gib * 1024 + sum(need.memory_limit_mib for need in needs)),
        "requests.nvidia.com/gpu": str(grant.gpus),
        "requests.storage": storage(grant.storage_gib + homes * HOME_GIB),
        **({"pods": "0"} if is_asleep else {}),
    }
    return object_of(RESOURCE_QUOTA, place, QUOTA, spec={"hard": hard})


def limit_range(place: Place) -> Manifest:
    """What a container gets that asks for nothing; the quota counts it."""
    limit = {
        "type": "Container",
        "default": {"cpu": cpu(1000), "memory": memory(1024)},
        "defaultRequest": {"cpu": cpu(100), "memory": memory(256)},
    }
    return object_of(LIMIT_RANGE, place, QUOTA, spec={"limits": [limit]})


def role_bindings(place: Place) -> list[Manifest]:
    """The project's groups may look at everything in the namespace but secrets (ClusterRole `view`)."""
    groups = [f"MAIA:{place.namespace}{suffix}" for suffix in ("", ":owner", ":viewer")]
    api_group = "rbac.authorization.k8s.io"
    subjects = [{"kind": "Group", "apiGroup": api_group, "name": group} for group in groups]
    role = {"apiGroup": api_group, "kind": "ClusterRole", "name": "view"}
    return [object_of(ROLE_BINDING, place, "project-view", subjects=subjects, roleRef=role)]
