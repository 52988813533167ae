"""What the portal must be allowed to do on a cluster, and the objects by which an administrator allows exactly that.

Kubernetes' roles know no "in namespaces of ours only". So the role for all namespaces holds no secret and no
workload: it lets the portal make namespaces, and bind the second role in them, which holds the rest. An admission
policy sees to it that the portal does this in no namespace but those that carry its label: it can neither read the
secrets of others nor give itself the right to.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/ and …/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from apps.clusters.models import Cluster
from apps.integrations.kubernetes.ours import MANAGED_BY, labels_of
from apps.integrations.kubernetes.port import Manifest, Permission

SYSTEM = "maia-system"
ACCOUNT = "maia-dashboard"
USER = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"
PROJECT_ROLE = "maia-dashboard-project"
MEMBERS_ROLE = "view"
RBAC = "rbac.authorization.k8s.io"
MAKE = ("get", "list", "create", "patch", "delete")
READ = ("get", "list")

EVERYWHERE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("", "namespaces", MAKE),
    ("", "nodes", ("list",)),
    ("", "pods", ("list", "watch")),
    (RBAC, "rolebindings", ("get", "list", "create", "patch", "delete")),
)
BOUND = (PROJECT_ROLE, MEMBERS_ROLE)
IN_PROJECTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("", "services", MAKE),
    ("", "secrets", MAKE),
    ("", "configmaps", MAKE),
    ("", "persistentvolumeclaims", MAKE),
    ("", "resourcequotas", MAKE),
    ("", "limitranges", MAKE),
    ("", "pods", ("get", "list", "patch", "delete")),
    ("", "pods/log", ("get",)),
    ("", "events", READ),
    ("apps", "deployments", MAKE),
    ("apps", "statefulsets", MAKE),
    ("batch", "jobs", MAKE),
    ("networking.k8s.io", "networkpolicies", MAKE),
)
FOR_ACCESS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    Cluster.ServiceAccess.PROXY: (("", "services/proxy", ("get", "create", "delete")),),
    Cluster.ServiceAccess.INGRESS: (("networking.k8s.io", "ingresses", MAKE),),
}
"""What the way to services needs in projects' namespaces besides."""


def needed_everywhere() -> list[Permission]:
    own = [Permission(verb, resource, group) for group, resource, verbs in EVERYWHERE for verb in verbs]
    binding = [Permission("bind", "clusterroles", RBAC, name=name) for name in BOUND]
    return [*own, *binding, Permission("get", "clusterroles", RBAC, name=PROJECT_ROLE)]


def needed_in_projects(service_access: str) -> list[Permission]:
    rows = (*IN_PROJECTS, *FOR_ACCESS.get(service_access, ()))
    return [Permission(verb, resource, group) for group, resource, verbs in rows for verb in verbs]


def lacking(role: Manifest | None, service_access: str) -> list[Permission]:
    """What the project role, as the cluster has it, does not give; all of it when there is no such role."""
    given = {
        (group, resource, verb)
        for rule in (role or {}).get("rules") or ()
        for group in rule.get("apiGroups") or ()
        for resource in rule.get("resources") or ()
        for verb in rule.get("verbs") or ()
    }
    return [one for one in needed_in_projects(service_access) if (one.group, one.resource, one.verb) not in given]


def project_binding(namespace: str) -> Manifest:
    """Gives the portal the project role in this namespace."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": ACCOUNT, "namespace": namespace, "labels": labels_of(namespace)},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": PROJECT_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM}],
    }


def to_apply(service_access: str = Cluster.ServiceAccess.DIRECT) -> str:
    """The YAML for `kubectl apply -f`."""
    return yaml.safe_dump_all(_objects(service_access), sort_keys=False, width=120)


def _objects(service_access: str) -> Iterator[Manifest]:
    yield from _account()
    yield from _roles(service_access)
    yield from _policies()


def _account() -> Iterator[Manifest]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}}
    account = {"name": ACCOUNT, "namespace": SYSTEM}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account, "automountServiceAccountToken": False}
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": f"{ACCOUNT}-token",
            "namespace": SYSTEM,
            "annotations": {"kubernetes.io/service-account.name": ACCOUNT},
        },
    }


def _roles(service_access: str) -> Iterator[Manifest]:
    """What the account may do: in projects' namespaces, and in all."""
    yield _role(PROJECT_ROLE, [_rule(*row) for row in (*IN_PROJECTS, *FOR_ACCESS.get(service_access, ()))])
    own_role = {**_rule(RBAC, "clusterroles", ("get",)), "resourceNames": [PROJECT_ROLE]}
    binding = {**_rule(RBAC, "clusterroles", ("bind",)), "resourceNames": list(BOUND)}
    yield _role(ACCOUNT, [*(_rule(*row) for row in EVERYWHERE), own_role, binding])
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ACCOUNT},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": ACCOUNT},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM}],
    }


def _policies() -> Iterator[Manifest]:
    # Lists are written anew, so that YAML shows no anchors.
    yield from _policy(
        f"{ACCOUNT}-namespaces",
        [{"apiGroups": [""], "apiVersions": ["*"], "resources": ["namespaces"], "scope": "Cluster"}],
        {
            "The portal makes and changes only namespaces with its label.": "request.operation == 'DELETE' || "
            + _is_ours("object"),
            "The portal leaves alone namespaces without its label.": "request.operation == 'CREATE' || "
            + _is_ours("oldObject"),
        },
    )
    yield from _policy(
        f"{ACCOUNT}-projects",
        [{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "scope": "Namespaced"}],
        {"The portal works only in namespaces with its label.": _is_ours("namespaceObject")},
    )


def _role(name: str, rules: list[dict[str, Any]]) -> Manifest:
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}


def _rule(group: str, resource: str, verbs: tuple[str, ...]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


def _is_ours(variable: str) -> str:
    (label, value), *_ = MANAGED_BY.items()
    return f"{variable}.metadata.?labels[?'{label}'].orValue('') == '{value}'"


def _policy(name: str, resources: list[dict[str, Any]], rules: dict[str, str]) -> Iterator[Manifest]:
    version = "admissionregistration.k8s.io/v1"
    yield {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [{**row, "operations": ["CREATE", "UPDATE", "DELETE"]} for row in resources]
            },
            "matchConditions": [{"name": "is-the-portal", "expression": f"request.userInfo.username == '{USER}'"}],
            "validations": [{"expression": rule, "message": message} for message, rule in rules.items()],
        },
    }
    yield {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
