"""The port of a Kubernetes cluster: objects as plain data, each verb one request with a timeout.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Manifest = dict[str, Any]
"""An object as the API's JSON has it."""

FIELD_MANAGER = "maia-dashboard"


class ClusterUnreachable(Exception):
    """No answer in time, or none that is Kubernetes': time mends it. The sentence names neither address nor secret."""


class ClusterSilent(ClusterUnreachable):
    """No answer in time: who asks again waits as long again."""


class ApiRefused(Exception):
    """The API server answered with an error; `reason` is its word (Forbidden, Invalid, AlreadyExists…)."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message or reason)
        self.status = status
        self.reason = reason


class Forbidden(ApiRefused):
    """401 or 403: the portal's credentials do not allow it, or admission does not."""


class AlreadyExists(ApiRefused):
    """409 to a `create`: an object of that name is there."""


class VersionGone(ApiRefused):
    """410: the cluster does not know any more what changed since that version; look at all there is, and watch anew."""


@dataclass(frozen=True)
class Kind:
    """A kind of object, as the API's addresses name it."""

    api_version: str
    kind: str
    plural: str
    is_namespaced: bool = True


NAMESPACE = Kind("v1", "Namespace", "namespaces", is_namespaced=False)
NODE = Kind("v1", "Node", "nodes", is_namespaced=False)
POD = Kind("v1", "Pod", "pods")
SERVICE = Kind("v1", "Service", "services")
SECRET = Kind("v1", "Secret", "secrets")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
VOLUME_CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
RESOURCE_QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("v1", "LimitRange", "limitranges")
EVENT = Kind("v1", "Event", "events")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
STATEFUL_SET = Kind("apps/v1", "StatefulSet", "statefulsets")
JOB = Kind("batch/v1", "Job", "jobs")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", is_namespaced=False)
KINDS: tuple[Kind, ...] = (
    NAMESPACE, NODE, POD, SERVICE, SECRET, CONFIG_MAP, VOLUME_CLAIM, RESOURCE_QUOTA, LIMIT_RANGE, EVENT, DEPLOYMENT,
    STATEFUL_SET, JOB, NETWORK_POLICY, INGRESS, ROLE_BINDING, CLUSTER_ROLE,
)  # fmt: skip


def kind_of(manifest: Mapping[str, Any]) -> Kind:
    """Raises KeyError for a kind that the portal does not handle."""
    return {(kind.api_version, kind.kind): kind for kind in KINDS}[manifest["apiVersion"], manifest["kind"]]


@dataclass(frozen=True)
class Change:
    """What became of an object: `ADDED`, `MODIFIED`, or `DELETED`, as it was last then.

    A `BOOKMARK` only tells how far the watch has come. `version` is from where to watch on.
    """

    what: str
    object: Manifest
    version: str


@dataclass(frozen=True)
class Credentials:
    """How the portal reaches a cluster: a bearer token, or a client certificate with its key (PEM)."""

    server: str
    ca_pem: str
    token: str = ""
    certificate_pem: str = ""
    key_pem: str = ""


@dataclass(frozen=True)
class Permission:
    """One thing that the portal must be allowed to do."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""


class KubernetesApi(Protocol):
    """All verbs raise ClusterUnreachable, and ApiRefused or one of its kinds."""

    def version(self) -> str:
        """The server's `gitVersion`."""
        ...

    def apply(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """Server-side apply as FIELD_MANAGER, with force: the object as it is afterwards. Twice is once."""
        ...

    def create(self, manifest: Manifest) -> Manifest:
        """Raises AlreadyExists."""
        ...

    def read(self, kind: Kind, name: str, namespace: str = "") -> Manifest | None:
        """None when there is no such object."""
        ...

    def objects(self, kind: Kind, *, namespace: str = "", labels: str = "", fields: str = "") -> Iterator[Manifest]:
        """All objects, fetched in pages of 500; of all namespaces when none is named. Selectors as the API's."""
        ...

    def latest_version(self, kind: Kind, *, labels: str = "") -> str:
        """The version of what is there now, in all namespaces: `watch` tells what changes after it."""
        ...

    def watch(self, kind: Kind, *, since: str, seconds: float, labels: str = "") -> Iterator[Change]:
        """What changes in all namespaces after the version `since`, as it happens, for `seconds` at most.

        The cluster may end it earlier. What comes to have the labels is ADDED, what has them no longer is DELETED.
        Raises VersionGone, and ClusterUnreachable also when the connection breaks midway.
        """
        ...

    def delete(self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None) -> None:
        """In the background. What is gone already is as wished."""
        ...

    def log(
        self, namespace: str, pod: str, container: str, *, since_seconds: int | None = None, limit_bytes: int = 1024**2
    ) -> bytes:
        """A container's log from its beginning, at most `limit_bytes`; empty before it started."""
        ...

    def missing(self, permissions: Sequence[Permission]) -> list[Permission]:
        """Those that the credentials do not give (SelfSubjectAccessReview)."""
        ...
