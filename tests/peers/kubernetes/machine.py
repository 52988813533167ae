"""What a node takes of the machine it runs on, and gives back: all of it is root's, and outlives processes."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.peers.kubernetes.configuration import NODE_BRIDGE, NODE_IP, POD_BRIDGE
from tests.peers.starting import LeftBehind, mounts_in

# The kubelet and kube-proxy set these at each start and never reset them.
KERNEL_SETTINGS = [
    Path("/proc/sys") / name
    for name in (
        "kernel/keys/root_maxbytes",
        "kernel/keys/root_maxkeys",
        "kernel/panic",
        "kernel/panic_on_oops",
        "net/ipv4/conf/all/route_localnet",
        "net/ipv4/ip_forward",
        "vm/overcommit_memory",
        "vm/panic_on_oom",
    )
]
PACKET_RULES = ("iptables", "ip6tables")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
# The kubelet takes no other place for these two.
LOG_LINKS = Path("/var/log/containers")
DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins/kubelet.sock")


@contextmanager
def borrowed_machine(folder: Path) -> Iterator[None]:
    """The node's address on a bridge of its own, and packets forwarded; raises LeftBehind if a trace stays."""
    before = {path: path.read_text() for path in KERNEL_SETTINGS}
    _clean(folder)  # of one that was killed
    _ip("link", "add", NODE_BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{NODE_IP}/32", "dev", NODE_BRIDGE)
        _ip("link", "set", NODE_BRIDGE, "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        yield
    finally:
        try:
            _clean(folder)
        finally:
            for path, setting in before.items():
                path.write_text(setting)
        if left := traces():
            raise LeftBehind("; ".join(left))


def traces() -> list[str]:
    """What a node has made on this machine outside of its folder."""
    paths = [*_bridges(), *_network_namespaces(), *_control_groups(), *LOG_LINKS.glob("*.log")]
    chains = [chain for family in PACKET_RULES for chain in re.findall(r"(?m)^:(KUBE-\S+)", _packet_rules(family))]
    return [*map(str, paths), *chains]


def _packet_rules(family: str) -> str:
    return subprocess.run([f"{family}-save", "--counters"], check=True, capture_output=True, text=True).stdout


def _bridges() -> list[Path]:
    return [path for path in (Path("/sys/class/net", name) for name in (POD_BRIDGE, NODE_BRIDGE)) if path.exists()]


def _network_namespaces() -> list[Path]:
    return list(Path("/run/netns").glob("cni-*"))


def _control_groups() -> list[Path]:
    return list(CONTROL_GROUPS.glob("*/kubepods"))


def _clean(folder: Path) -> None:
    for bridge in _bridges():
        _ip("link", "delete", bridge.name)
    for namespace in _network_namespaces():
        _ip("netns", "delete", namespace.name)
    for point in mounts_in(folder):
        subprocess.run(["umount", "--lazy", point], check=True)
    for family in PACKET_RULES:
        _remove_packet_rules(family)
    for group in _control_groups():
        for inner, _, _ in os.walk(group, topdown=False):
            with suppress(FileNotFoundError):
                Path(inner).rmdir()
    for path in (*LOG_LINKS.glob("*.log"), DEVICE_PLUGINS):
        path.unlink(missing_ok=True)


def _remove_packet_rules(family: str) -> None:
    rules = _packet_rules(family).splitlines(keepends=True)
    others = [rule for rule in rules if "KUBE-" not in rule]
    if others != rules:
        subprocess.run([f"{family}-restore", "--counters"], input="".join(others), text=True, check=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
