"""A certificate authority of one cluster, its certificates and the kubeconfig of each part, for a month."""

import json
import subprocess
from pathlib import Path

from tests.peers.kubernetes import configuration
from tests.peers.starting import LOOPBACK

# https://kubernetes.io/docs/setup/best-practices/certificates/: who each part is, and under which names it serves.
CLIENTS = {
    "admin": ("/O=system:masters/CN=admin", "DNS:admin"),
    "controller-manager": ("/CN=system:kube-controller-manager", "DNS:controller-manager"),
    "scheduler": ("/CN=system:kube-scheduler", "DNS:scheduler"),
    "kubelet": (
        f"/O=system:nodes/CN=system:node:{configuration.NODE}",
        f"DNS:{configuration.NODE},IP:{configuration.NODE_IP}",
    ),
    "kube-proxy": ("/CN=system:kube-proxy", "DNS:kube-proxy"),
}
API_SERVER = (
    "/CN=kube-apiserver",
    f"IP:{LOOPBACK},IP:{configuration.API_SERVICE_IP},DNS:localhost,DNS:kubernetes.default.svc",
)
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def make_certificates(keys: Path, server: str) -> None:
    """Fills the folder: ca, apiserver, sa and one `.crt`, `.key`, `.kubeconfig` for each client."""
    keys.mkdir()
    authority = ["-keyout", keys / "ca.key", "-out", keys / "ca.crt", "-subj", "/CN=peer-ca", "-days", "30"]
    _openssl("req", "-x509", *NEW_KEY, *authority)
    _openssl("genrsa", "-out", keys / "sa.key", "2048")
    for name, (subject, names) in {**CLIENTS, "apiserver": API_SERVER}.items():
        _sign(keys, name, subject, names)
    for name in CLIENTS:
        (keys / f"{name}.kubeconfig").write_text(json.dumps(configuration.kubeconfig(name, server, keys)))


def _sign(keys: Path, name: str, subject: str, names: str) -> None:
    request, extensions = keys / f"{name}.csr", keys / f"{name}.ext"
    extensions.write_text(f"subjectAltName={names}")
    _openssl("req", *NEW_KEY, "-keyout", keys / f"{name}.key", "-out", request, "-subj", subject)
    authority = ["-CA", keys / "ca.crt", "-CAkey", keys / "ca.key", "-CAcreateserial", "-days", "30"]
    _openssl("x509", "-req", "-in", request, *authority, "-out", keys / f"{name}.crt", "-extfile", extensions)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
