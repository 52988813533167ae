"""containerd, kubelet, kube-proxy and CoreDNS: this machine as the cluster's one node.

Root's work. All of it is taken back in the end: containers, mounts, network namespaces, bridges, packet rules.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.peers.images import Podman
from tests.peers.kubernetes import configuration
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.configuration import NODE, NODE_BRIDGE, NODE_IP, PAUSE_IMAGE, POD_BRIDGE
from tests.peers.starting import accepts, mounts_in, running

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
NETWORK_NAMESPACES = Path("/run/netns")
CONTROL_GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def node_network() -> Iterator[None]:
    """The node's address on a bridge of its own, and packets forwarded between the bridges."""
    before = FORWARDING.read_text()
    _remove_bridges()
    _ip("link", "add", NODE_BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{NODE_IP}/32", "dev", NODE_BRIDGE)
        _ip("link", "set", NODE_BRIDGE, "up")
        FORWARDING.write_text("1")
        yield
    finally:
        _remove_bridges()
        FORWARDING.write_text(before)


def _remove_bridges() -> None:
    for bridge in (POD_BRIDGE, NODE_BRIDGE):
        if Path("/sys/class/net", bridge).exists():
            _ip("link", "delete", bridge)


@contextmanager
def running_containerd(folder: Path, cluster: Kubernetes) -> Iterator[None]:
    """Knows the pause image; whatever its containers leave is removed before it stops."""
    (folder / "cni").mkdir()
    (folder / "cni/10-maia.conflist").write_text(json.dumps(configuration.pod_network(folder)))
    (folder / "containerd.toml").write_text(configuration.containerd(folder, cluster.containerd))
    known = _network_namespaces()
    try:
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
    finally:
        for name in _network_namespaces() - known:
            _ip("netns", "delete", name)
        for point in mounts_in(folder):
            subprocess.run(["umount", "--lazy", point], check=True)
        _remove_control_groups()


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


def _network_namespaces() -> set[str]:
    return {path.name for path in NETWORK_NAMESPACES.glob("cni-*")}


def _remove_control_groups() -> None:
    for group in CONTROL_GROUPS.glob("*/kubepods"):
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(FileNotFoundError):
                os.rmdir(folder)


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
        servers.callback(_remove_packet_rules, cluster)
        servers.enter_context(running(kubelet, log=folder / "kubelet.log", answers=lambda: _is_ready(cluster)))
        servers.enter_context(
            running(proxy, log=folder / "kube-proxy.log", answers=lambda: accepts(10256, "127.0.0.1"))
        )
        servers.enter_context(running(names, log=folder / "coredns.log", answers=lambda: accepts(53, NODE_IP)))
        yield


def _is_ready(cluster: Kubernetes) -> bool:
    nodes = cluster.read("nodes")["items"]
    conditions = {row["type"]: row["status"] for node in nodes for row in node["status"]["conditions"]}
    return conditions.get("Ready") == "True"


def _remove_packet_rules(cluster: Kubernetes) -> None:
    subprocess.run([cluster.commands / "kube-proxy", "--cleanup"], check=True, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
