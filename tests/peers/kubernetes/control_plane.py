"""etcd, API server, controllers and scheduler of one cluster, as processes on loopback."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.peers.kubernetes.cluster import API_SERVERS, ApiServer, Kubernetes
from tests.peers.kubernetes.configuration import NODE_IP, SERVICE_RANGE
from tests.peers.starting import LOOPBACK, accepts, running
from tests.portal import free_port


@contextmanager
def running_control_plane(folder: Path, keys: Path, cluster: Kubernetes) -> Iterator[None]:
    """From the moment on when pods can be made in the namespace `default`."""
    controllers = _controllers(keys, cluster)
    with ExitStack() as servers:
        servers.enter_context(running_api_server(folder, keys, cluster))
        servers.enter_context(
            running(controllers, log=folder / "controller-manager.log", answers=lambda: _has_accounts(cluster))
        )
        scheduler = [cluster.commands / "kube-scheduler", *_as_client(keys, "scheduler")]
        servers.enter_context(running(scheduler, log=folder / "scheduler.log", answers=lambda: accepts(10259)))
        yield


@contextmanager
def running_api_server(folder: Path, keys: Path, cluster: Kubernetes, *options: str) -> Iterator[None]:
    """With its etcd; the cluster's `stop_api` and `start_api` work meanwhile."""
    with _running_etcd(folder) as etcd, ExitStack() as process:
        command = [*_api_server(keys, cluster, etcd), *options]

        def start() -> None:
            log = folder / "apiserver.log"
            process.enter_context(running(command, log=log, answers=lambda: _ready(cluster)))

        start()
        API_SERVERS[cluster.server] = ApiServer(start=start, stop=process.close)
        try:
            yield
        finally:
            del API_SERVERS[cluster.server]


@contextmanager
def _running_etcd(folder: Path) -> Iterator[str]:
    port = free_port()
    client, peer = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{free_port()}"
    addresses = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
    command = ["etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync", *addresses]
    with running(command, log=folder / "etcd.log", answers=lambda: accepts(port)):
        yield client


def _api_server(keys: Path, cluster: Kubernetes, etcd: str) -> list[str | Path]:
    """https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/"""
    return [
        cluster.commands / "kube-apiserver",
        f"--etcd-servers={etcd}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={cluster.server.rpartition(':')[2]}",
        f"--advertise-address={NODE_IP}",
        "--endpoint-reconciler-type=none",
        f"--client-ca-file={keys}/ca.crt",
        f"--tls-cert-file={keys}/apiserver.crt",
        f"--tls-private-key-file={keys}/apiserver.key",
        f"--service-account-key-file={keys}/sa.key",
        f"--service-account-signing-key-file={keys}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--kubelet-client-certificate={keys}/admin.crt",
        f"--kubelet-client-key={keys}/admin.key",
        f"--kubelet-certificate-authority={keys}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def _controllers(keys: Path, cluster: Kubernetes) -> list[str | Path]:
    return [
        cluster.commands / "kube-controller-manager",
        *_as_client(keys, "controller-manager"),
        f"--service-account-private-key-file={keys}/sa.key",
        f"--root-ca-file={keys}/ca.crt",
        "--use-service-account-credentials",
    ]


def _as_client(keys: Path, name: str) -> list[str]:
    path = keys / f"{name}.kubeconfig"
    roles = [f"--{role}={path}" for role in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")]
    return [*roles, f"--bind-address={LOOPBACK}", "--leader-elect=false"]


def _ready(cluster: Kubernetes) -> bool:
    try:
        return cluster.kubectl("get", "--raw", "/readyz") == "ok"
    except subprocess.CalledProcessError:
        return False


def _has_accounts(cluster: Kubernetes) -> bool:
    return bool(cluster.kubectl("get", "serviceaccounts", "default", "--ignore-not-found", "--output", "name"))
