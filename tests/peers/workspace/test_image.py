"""A member's workspace: the image in deploy/workspace, as a pod under the strictest Pod Security."""

import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from tests.peers.kubernetes import Kubernetes
from tests.peers.kubernetes.configuration import NODE_IP
from tests.waiting import wait_until

# Built the first time.
pytestmark = [pytest.mark.peers]
NAMESPACE = "workspace-image"
BASE_URL = "/workspace-image/1/jupyter/"
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
Ssh = Callable[..., "subprocess.CompletedProcess[str]"]


def _object(kind: str, spec: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    metadata = {"name": "workspace", "namespace": NAMESPACE, "labels": {"app": "workspace"}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **spec}


def _pod(image: str) -> dict[str, Any]:
    container = {
        "name": "workspace",
        "image": image,
        "env": [{"name": "BASE_URL", "value": BASE_URL}],
        "securityContext": RESTRICTED,
        "volumeMounts": [
            {"name": "home", "mountPath": "/home/maia"},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "keys", "mountPath": "/etc/maia", "readOnly": True},
        ],
    }
    volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "workspace"}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "keys", "secret": {"secretName": "workspace"}},
    ]
    spec = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "securityContext": {"fsGroup": 1000},
        "terminationGracePeriodSeconds": 20,
        "volumes": volumes,
    }
    return _object("Pod", {"spec": spec})


def _manifests(image: str, public_key: str) -> list[dict[str, Any]]:
    keys = b64encode(public_key.encode()).decode()
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    service = {"type": "NodePort", "selector": {"app": "workspace"}, "ports": [{"port": 2222}]}
    return [
        _object("Secret", {"data": {"authorized_keys": keys}}),
        _object("PersistentVolumeClaim", {"spec": claim}),
        _object("Service", {"spec": service}),
        _pod(image),
    ]


def _new_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _new_key(tmp_path_factory.mktemp("keys") / "key")


@pytest.fixture(scope="module")
def cluster(kubernetes: Kubernetes, platform_images: dict[str, str], key: Path) -> Iterator[Kubernetes]:
    """With the workspace running in a namespace of its own."""
    kubernetes.kubectl("create", "namespace", NAMESPACE)
    kubernetes.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    try:
        wait_until(lambda: kubernetes.kubectl("get", "sa", "default", "-n", NAMESPACE, "--ignore-not-found"), 20)
        for manifest in _manifests(platform_images["workspace"], key.with_suffix(".pub").read_text()):
            kubernetes.kubectl("apply", "-f", "-", manifest=manifest)
        kubernetes.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/workspace", "--timeout=120s")
        yield kubernetes
    finally:
        kubernetes.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def address(cluster: Kubernetes) -> str:
    return str(cluster.read("pod", "workspace", "-n", NAMESPACE)["status"]["podIP"])


@pytest.fixture(scope="module")
def ssh(cluster: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Ssh:
    """Runs a command over SSH by the NodePort, with this key alone."""
    port = cluster.read("service", "workspace", "-n", NAMESPACE)["spec"]["ports"][0]["nodePort"]
    known = tmp_path_factory.mktemp("known") / "hosts"
    options = ["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]

    def run(key: Path, *command: str, user: str = "maia") -> "subprocess.CompletedProcess[str]":
        target = ["-o", f"UserKnownHostsFile={known}", "-i", str(key), "-p", str(port), f"{user}@{NODE_IP}"]
        return subprocess.run(
            ["ssh", "-F", "none", *options, *target, *command], capture_output=True, text=True, check=False, timeout=30
        )

    wait_until(lambda: "Connection refused" not in run(key=known).stderr, 60)
    return run


def test_a_listed_key_logs_in_as_the_member(ssh: Ssh, key: Path) -> None:
    done = ssh(key, "id -un; pwd; touch /opt/x 2>/dev/null || echo read-only; touch kept && ls kept")
    assert (done.returncode, done.stdout.split()) == (0, ["maia", "/home/maia", "read-only", "kept"]), done.stderr


def test_the_login_shell_has_a_terminal_and_the_workspace_s_python(ssh: Ssh, key: Path) -> None:
    done = ssh(key, "-tt", "bash -lc 'tty; command -v python'")
    assert done.stdout.split() == ["/dev/pts/0", "/opt/venv/bin/python"], done.stderr


@pytest.mark.parametrize("user", ["maia", "root"])
def test_another_key_does_not(ssh: Ssh, tmp_path: Path, user: str) -> None:
    done = ssh(_new_key(tmp_path / "other"), "id", user=user)
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_nobody_but_the_member_signs_in_with_the_listed_key(ssh: Ssh, key: Path) -> None:
    assert "Permission denied (publickey)" in ssh(key, "id", user="root").stderr


def test_jupyter_answers_below_its_path(address: str) -> None:
    def status() -> dict[str, Any] | None:
        try:
            return requests.get(f"http://{address}:8888{BASE_URL}api/status", timeout=5).json()
        except requests.ConnectionError:
            return None

    wait_until(lambda: status() is not None, 60)
    assert status()["kernels"] == 0
    assert requests.get(f"http://{address}:8888/api/status", timeout=5).status_code == 404
    assert "JupyterLab" in requests.get(f"http://{address}:8888{BASE_URL}lab", timeout=5).text


def test_a_notebook_s_kernel_starts(address: str) -> None:
    session = requests.Session()
    root = f"http://{address}:8888{BASE_URL}"
    session.get(f"{root}lab", timeout=10)
    headers = {"X-XSRFToken": session.cookies["_xsrf"]}
    kernel = session.post(f"{root}api/kernels", headers=headers, timeout=30).json()
    assert kernel["name"] == "python3"
    assert session.delete(f"{root}api/kernels/{kernel['id']}", headers=headers, timeout=10).status_code == 204


def test_the_desktop_s_page_leads_to_a_screen(address: str) -> None:
    page = requests.get(f"http://{address}:6080/", timeout=5).text
    assert "websockify" in page
    assert requests.get(f"http://{address}:6080/vnc.html", timeout=5).ok
    screen = websocket.create_connection(f"ws://{address}:6080/websockify", subprotocols=["binary"], timeout=10)
    assert screen.recv() == b"RFB 003.008\n"
    screen.close()


def test_the_screen_and_its_server_have_no_port_of_their_own(ssh: Ssh, key: Path) -> None:
    listening = ssh(key, "cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" {print $2}'").stdout
    ports = {int(line.rpartition(":")[2], 16) for line in listening.split()}
    assert ports == {2222, 6080, 8888}


def test_windows_and_panel_run(ssh: Ssh, key: Path) -> None:
    running = ssh(key, "ps -eo comm=").stdout.split()
    assert {"Xtigervnc", "openbox", "tint2", "sshd"} <= set(running)


def test_a_server_that_dies_is_started_again(ssh: Ssh, key: Path) -> None:
    first = ssh(key, "pgrep -x Xtigervnc").stdout
    ssh(key, "pkill -9 -x Xtigervnc")
    wait_until(lambda: ssh(key, "pgrep -x Xtigervnc").stdout not in ("", first), 30)
    wait_until(lambda: "openbox" in ssh(key, "ps -eo comm=").stdout, 30)


def test_a_restarted_workspace_keeps_home_and_host_key(cluster: Kubernetes, ssh: Ssh, key: Path) -> None:
    def restarts() -> int:
        return int(cluster.read("pod", "workspace", "-n", NAMESPACE)["status"]["containerStatuses"][0]["restartCount"])

    ssh(key, "kill -TERM 1")
    wait_until(lambda: restarts() == 1, 60)
    wait_until(lambda: ssh(key, "ls kept").stdout == "kept\n", 60)
