"""Kubernetes for real: one node, which pretends to two A100, with CoreDNS and a network for pods.

The network enforces no NetworkPolicy, and a container that asks for a GPU gets no device.
"""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.kubernetes.certificates import make_certificates
from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.configuration import NODE
from tests.peers.kubernetes.control_plane import running_api_server, running_control_plane
from tests.peers.kubernetes.machine import borrowed_machine
from tests.peers.kubernetes.node import running_containerd, running_node
from tests.peers.kubernetes.storage import offer_volumes
from tests.peers.starting import LOOPBACK, require
from tests.peers.tools import go_tools
from tests.portal import free_port

__all__ = ["Kubernetes", "built_commands", "running_empty_kubernetes", "running_kubernetes"]

HERE = Path(__file__).parent
COMMANDS = ("busybox", "conntrack", "containerd", "ctr", "etcd", "ip", "iptables", "openssl", "podman", "runc")
LOCK = Path("/run/lock/maia-peers-kubernetes")
GPUS = {"nvidia.com/gpu": "2"}
GPU_PRODUCT = "NVIDIA-A100-SXM4-80GB"


class ClusterIsRunning(Exception):
    """The node's addresses are the machine's, so that it has room for one cluster."""


@contextmanager
def running_kubernetes(folder: Path) -> Iterator[Kubernetes]:
    """A cluster whose node is Ready and has two GPUs and volumes to give."""
    require(COMMANDS, HERE / "packages.txt")
    commands, coredns = built_commands()
    keys = folder / "keys"
    server = f"https://{LOOPBACK}:{free_port()}"
    cluster = Kubernetes(server, keys / "admin.kubeconfig", commands, folder / "containerd.sock")
    with _alone(), borrowed_machine(folder), running_containerd(folder, cluster):
        make_certificates(keys, server)
        with running_control_plane(folder, keys, cluster), running_node(folder, keys, cluster, coredns):
            _pretend_gpus(cluster)
            offer_volumes(folder / "volumes", cluster)
            yield cluster


@contextmanager
def running_empty_kubernetes(folder: Path) -> Iterator[Kubernetes]:
    """A cluster that is an API server and its etcd alone: without nodes and controllers, and beside any other."""
    require(("etcd", "openssl"), HERE / "packages.txt")
    keys = folder / "keys"
    server = f"https://{LOOPBACK}:{free_port()}"
    commands, _ = built_commands()
    cluster = Kubernetes(server, keys / "admin.kubeconfig", commands, folder / "containerd.sock")
    make_certificates(keys, server)
    # No controller makes the accounts that pods would wait for.
    with running_api_server(folder, keys, cluster, "--disable-admission-plugins=ServiceAccount"):
        yield cluster


def built_commands() -> tuple[Path, Path]:
    """The folders with Kubernetes' own commands and with CoreDNS."""
    return go_tools(HERE, _linker_flags()), go_tools(HERE / "coredns")


def _linker_flags() -> str:
    """What the release's own build says of its version, which clients and the kubelet compare."""
    found = re.search(r"k8s\.io/kubernetes v(\d+)\.(\d+)\.(\d+)", (HERE / "go.mod").read_text())
    assert found
    major, minor, patch = found.groups()
    package = "k8s.io/component-base/version"
    version = {"gitVersion": f"v{major}.{minor}.{patch}", "gitMajor": major, "gitMinor": minor}
    return " ".join(f"-X {package}.{name}={value}" for name, value in version.items())


@contextmanager
def _alone() -> Iterator[None]:
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClusterIsRunning("another cluster runs on this machine") from error
        yield


def _pretend_gpus(cluster: Kubernetes) -> None:
    status = {"status": {"capacity": GPUS, "allocatable": GPUS}}
    cluster.kubectl("patch", "node", NODE, "--subresource=status", "--type=merge", "--patch", json.dumps(status))
    cluster.kubectl("label", "node", NODE, f"nvidia.com/gpu.product={GPU_PRODUCT}")
