"""containerd, kubelet, kube-proxy and CoreDNS: this machine as the cluster's one node."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.peers.images import Podman
from tests.peers.kubernetes import configuration
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.configuration import NODE, NODE_IP, PAUSE_IMAGE
from tests.peers.starting import accepts, running


@contextmanager
def running_containerd(folder: Path, cluster: Kubernetes) -> Iterator[None]:
    """Knows the pause image; whatever its containers leave is removed before it stops."""
    (folder / "cni").mkdir()
    (folder / "cni/10-maia.conflist").write_text(json.dumps(configuration.pod_network(folder)))
    (folder / "containerd.toml").write_text(configuration.containerd(folder, cluster.containerd))
    with running(
        ["containerd", "--config", folder / "containerd.toml"],
        log=folder / "containerd.log",
        answers=cluster.containerd.is_socket,
    ):
        _make_pause_image(folder / "pause", cluster)
        try:
            yield
        finally:
            _remove_containers(cluster)


def _make_pause_image(folder: Path, cluster: Kubernetes) -> None:
    podman = Podman(folder)
    podman.make_busybox(PAUSE_IMAGE, "/bin/busybox", "sleep", "2147483647")
    cluster.import_image(podman.save(PAUSE_IMAGE))


def _remove_containers(cluster: Kubernetes) -> None:
    # One that ends by itself meanwhile is gone as well.
    for kind in ("tasks", "containers"):
        for name in cluster.ctr(kind, "list", "--quiet").split():
            with suppress(subprocess.CalledProcessError):
                cluster.ctr(kind, "delete", *(["--force"] if kind == "tasks" else []), name)


@contextmanager
def running_node(folder: Path, keys: Path, cluster: Kubernetes, coredns: Path) -> Iterator[None]:
    """From the moment on when the node is Ready and names of services resolve."""
    (folder / "kubelet.json").write_text(json.dumps(configuration.kubelet(folder, keys, cluster.containerd)))
    (folder / "kube-proxy.json").write_text(json.dumps(configuration.kube_proxy(keys / "kube-proxy.kubeconfig")))
    (folder / "Corefile").write_text(configuration.coredns(cluster.kubeconfig))
    kubelet = [
        cluster.commands / "kubelet",
        f"--config={folder}/kubelet.json",
        f"--kubeconfig={keys}/kubelet.kubeconfig",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_IP}",
        f"--root-dir={folder}/kubelet",
    ]
    proxy = [cluster.commands / "kube-proxy", f"--config={folder}/kube-proxy.json"]
    names = [coredns / "coredns", "-conf", folder / "Corefile"]
    with ExitStack() as servers:
        servers.enter_context(running(kubelet, log=folder / "kubelet.log", answers=lambda: _is_ready(cluster)))
        servers.enter_context(running(proxy, log=folder / "kube-proxy.log", answers=lambda: accepts(10256)))
        servers.enter_context(running(names, log=folder / "coredns.log", answers=lambda: accepts(53, NODE_IP)))
        yield


def _is_ready(cluster: Kubernetes) -> bool:
    nodes = cluster.read("nodes")["items"]
    conditions = {row["type"]: row["status"] for node in nodes for row in node["status"]["conditions"]}
    return conditions.get("Ready") == "True"
