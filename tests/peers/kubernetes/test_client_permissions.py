"""The permissions that the portal prints suffice for what it does on a real cluster, and for nothing else there."""

from __future__ import annotations

import base64
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml

from apps.clusters import permissions
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.client import KubernetesClient
from apps.integrations.kubernetes.ours import MANAGED_BY
from apps.integrations.kubernetes.port import (
    CLUSTER_ROLE,
    NAMESPACE,
    NODE,
    POD,
    SECRET,
    ApiRefused,
    Forbidden,
    Manifest,
)
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.portal_side import administrator
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.rights]
BINDS = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"}


@pytest.fixture(scope="module")
def portal(kubernetes: Kubernetes) -> Iterator[KubernetesClient]:
    """Signed in with the token that the printed objects make."""
    everything = {"apiVersion": "v1", "kind": "List", "items": list(yaml.safe_load_all(permissions.to_apply()))}
    kubernetes.kubectl("apply", "-f", "-", manifest=everything)
    secret = ("secret", f"{permissions.ACCOUNT}-token", "--namespace", permissions.SYSTEM)
    wait_until(lambda: "token" in kubernetes.read(*secret).get("data", {}), timeout_seconds=30)
    token = base64.b64decode(kubernetes.read(*secret)["data"]["token"]).decode()
    wait_until(lambda: not may_bind(kubernetes, "kube-system"), timeout_seconds=30)
    yield KubernetesClient(replace(administrator(kubernetes), token=token, certificate_pem="", key_pem=""))
    kubernetes.kubectl("delete", "--ignore-not-found", "-f", "-", manifest=everything)


def may_bind(kubernetes: Kubernetes, namespace: str) -> bool:
    """Whether the policy lets the portal's account bind its role there; policies come into force after a moment."""
    try:
        kubernetes.kubectl(
            *("apply", "--dry-run=server", f"--as={permissions.USER}", "-f", "-"),
            manifest=permissions.project_binding(namespace),
        )
    except subprocess.CalledProcessError:
        return False
    return True


@pytest.fixture
def namespace(portal: KubernetesClient) -> Iterator[str]:
    """Made by the portal, which has got its rights in it."""
    name = f"permitted-{uuid.uuid4().hex[:8]}"
    portal.apply(ours(name))
    portal.apply(permissions.project_binding(name))
    entered = permissions.Permission("create", "secrets", namespace=name)
    wait_until(lambda: not portal.missing([entered]), timeout_seconds=20)
    yield name
    portal.delete(NAMESPACE, name)


def ours(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": MANAGED_BY}}


def secret(namespace: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": namespace}}


def idle_pod(namespace: str) -> Manifest:
    """That no node takes."""
    spec = {"nodeSelector": {"kubernetes.io/hostname": "none"}, "containers": [{"name": "one", "image": "none"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "idle", "namespace": namespace}, "spec": spec}


def test_the_check_finds_nothing_missing(portal: KubernetesClient) -> None:
    assert portal.missing(permissions.needed_everywhere()) == []
    role = portal.read(CLUSTER_ROLE, permissions.PROJECT_ROLE)
    assert permissions.lacking(role, Cluster.ServiceAccess.DIRECT) == []


def test_the_check_names_what_is_missing(portal: KubernetesClient, kubernetes: Kubernetes) -> None:
    kubernetes.kubectl("delete", "clusterrole", permissions.ACCOUNT)
    try:
        wait_until(lambda: portal.missing(permissions.needed_everywhere()) == permissions.needed_everywhere())
    finally:
        role = next(
            one
            for one in yaml.safe_load_all(permissions.to_apply())
            if (one["kind"], one["metadata"]["name"]) == ("ClusterRole", permissions.ACCOUNT)
        )
        kubernetes.kubectl("apply", "-f", "-", manifest=role)
        wait_until(lambda: portal.missing(permissions.needed_everywhere()) == [])


def test_it_sees_nodes_and_pods_and_watches_these(
    portal: KubernetesClient, kubernetes: Kubernetes, namespace: str
) -> None:
    assert list(portal.objects(NODE))
    before = portal.latest_version(POD)
    wait_until(lambda: kubernetes.kubectl("get", "sa", "default", "-n", namespace, "--ignore-not-found"), 20)
    kubernetes.kubectl("apply", "-f", "-", manifest=idle_pod(namespace))
    assert "idle" in [pod["metadata"]["name"] for pod in portal.objects(POD, namespace=namespace)]
    seen = [one.object["metadata"] for one in portal.watch(POD, since=before, seconds=1)]
    assert (namespace, "idle") in [(one.get("namespace"), one.get("name")) for one in seen]


def test_each_permission_of_a_project_is_given_in_it(portal: KubernetesClient, namespace: str) -> None:
    needed = [replace(one, namespace=namespace) for one in permissions.needed_in_projects(Cluster.ServiceAccess.DIRECT)]
    assert portal.missing(needed) == []
    assert portal.missing([replace(one, namespace="kube-system") for one in needed]) == [
        replace(one, namespace="kube-system") for one in needed if (one.verb, one.resource) != ("list", "pods")
    ]


def test_it_works_in_its_namespace(portal: KubernetesClient, namespace: str) -> None:
    portal.apply(secret(namespace))
    assert portal.read(SECRET, "one", namespace)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": permissions.MEMBERS_ROLE}
    members = [{"kind": "Group", "name": "MAIA:one", "apiGroup": "rbac.authorization.k8s.io"}]
    portal.apply(
        {**BINDS, "metadata": {"name": "members", "namespace": namespace}, "roleRef": role, "subjects": members}
    )
    portal.delete(SECRET, "one", namespace)


def test_it_neither_reads_nor_writes_in_namespaces_of_others(portal: KubernetesClient) -> None:
    with pytest.raises(Forbidden):
        list(portal.objects(SECRET, namespace="kube-system"))
    with pytest.raises(Forbidden):
        list(portal.objects(SECRET))
    with pytest.raises(Forbidden):
        portal.apply(secret("kube-system"))


def test_it_gives_itself_no_rights_in_namespaces_of_others(portal: KubernetesClient) -> None:
    with pytest.raises(ApiRefused, match="works only in namespaces with its label"):
        portal.apply(permissions.project_binding("kube-system"))
    assert portal.missing([permissions.Permission("get", "secrets", namespace="kube-system")])


def test_it_binds_no_other_role(portal: KubernetesClient, namespace: str) -> None:
    binding = permissions.project_binding(namespace)
    mighty = {**binding, "metadata": {**binding["metadata"], "name": "mighty"}}
    with pytest.raises(Forbidden):
        portal.apply({**mighty, "roleRef": {**binding["roleRef"], "name": "cluster-admin"}})


@pytest.mark.parametrize("labels", [MANAGED_BY, {"harmless": "yes"}])
def test_it_takes_over_no_namespace_of_others(
    portal: KubernetesClient, kubernetes: Kubernetes, labels: dict[str, str]
) -> None:
    name = f"theirs-{uuid.uuid4().hex[:8]}"
    kubernetes.kubectl("create", "namespace", name)
    try:
        with pytest.raises(ApiRefused, match="namespaces with"):
            portal.apply({**ours(name), "metadata": {"name": name, "labels": labels}})
        with pytest.raises(ApiRefused, match="leaves alone"):
            portal.delete(NAMESPACE, name)
    finally:
        kubernetes.kubectl("delete", "namespace", name, "--wait=false")


def test_it_makes_no_namespace_that_it_could_not_use(portal: KubernetesClient) -> None:
    with pytest.raises(ApiRefused, match="only namespaces with its label"):
        portal.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "permitted-bare"}})


def test_kubectl_takes_the_printed_text(kubernetes: Kubernetes, portal: KubernetesClient) -> None:
    command = [
        kubernetes.commands / "kubectl",
        f"--kubeconfig={kubernetes.kubeconfig}",
        "apply",
        "--dry-run=server",
        "-f",
        "-",
    ]
    done = subprocess.run(command, input=permissions.to_apply(), text=True, capture_output=True, check=True)
    assert done.stdout.count("(server dry run)") == 10
