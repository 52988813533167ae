"""A look at a real cluster: its node with two GPUs, and the pods of a project as the scheduler counts them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from apps.clusters import collecting
from apps.clusters.models import Cluster
from apps.clusters.services import ask_check
from apps.integrations.kubernetes.ours import labels_of
from tests.clusters.rows import make_cluster
from tests.peers.kubernetes import GPU_PRODUCT
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.portal_side import administrator
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.django_db]


@pytest.fixture
def cluster(kubernetes: Kubernetes) -> Cluster:
    known = administrator(kubernetes)
    keys = {"certificate_pem": known.certificate_pem, "key_pem": known.key_pem, "token": ""}
    return make_cluster("real", server=known.server, ca_pem=known.ca_pem, **keys)


@pytest.fixture
def namespace(kubernetes: Kubernetes) -> Iterator[str]:
    name = f"looked-at-{uuid.uuid4().hex[:8]}"
    metadata = {"name": name, "labels": labels_of(name)}
    kubernetes.kubectl("apply", "-f", "-", manifest={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield name
    kubernetes.kubectl("delete", "namespace", name, "--wait=false")


def test_a_look_at_a_real_cluster(cluster: Cluster, namespace: str, kubernetes: Kubernetes) -> None:
    requests = {"cpu": "10m", "memory": "8Mi"}
    containers = [{"name": "main", "image": "localhost/pause:1", "resources": {"requests": requests}}]
    starting = [{**containers[0], "name": "first", "restartPolicy": "Always"}]
    spec = {"containers": containers, "initContainers": starting, "terminationGracePeriodSeconds": 0}
    metadata = {"name": "one", "namespace": namespace}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    kubernetes.kubectl("create", "-f", "-", manifest=manifest)
    pod = ("pod", "one", "--namespace", namespace)
    wait_until(lambda: kubernetes.read(*pod)["status"]["phase"] == "Running", timeout_seconds=60)

    collecting.look(cluster)
    cluster = Cluster.objects.get()
    assert (cluster.status, cluster.trouble) == (Cluster.Status.REACHABLE, "")
    content = cluster.snapshot.content
    assert content["version"] == "v1.34.4"
    (node,) = content["nodes"]
    assert (node["is_ready"], node["gpu_product"], node["allocatable"]["gpu"]) == (True, GPU_PRODUCT, 2)
    assert node["requested"]["cpu"] >= 0.02
    assert content["projects"][namespace] == {
        "phases": {"Running": 1},
        "requested": {"cpu": 0.02, "memory": 16 * 1024**2, "gpu": 0},
    }


def test_a_check_of_a_real_cluster(cluster: Cluster) -> None:
    ask_check(cluster)
    collecting.check(cluster)
    found = Cluster.objects.get().check_of_permissions
    assert (found.missing, found.trouble) == ([], "")
    assert found.answered_at


def test_a_token_that_it_does_not_know_is_refused(cluster: Cluster) -> None:
    Cluster.objects.filter(pk=cluster.pk).update(certificate_pem="", key_pem="", token="made-up-token")
    collecting.look(Cluster.objects.get())
    seen = Cluster.objects.get()
    assert (seen.status, seen.trouble) == (
        Cluster.Status.REFUSED,
        "The cluster does not know the portal's credentials: give new ones.",
    )
