"""Traefik on loopback as a cluster's ingress controller, with a certificate for all names below its domain."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.starting import LOOPBACK, accepts, running
from tests.peers.tools import go_tools
from tests.portal import free_port

HERE = Path(__file__).parent
DOMAIN = "maia.example"


@dataclass(frozen=True)
class Traefik:
    port: int
    ingress_class: str
    ca: Path

    @property
    def domain(self) -> str:
        """As an administrator registers it; its names lead to loopback only where somebody says so."""
        return f"{DOMAIN}:{self.port}"


@contextmanager
def running_traefik(folder: Path, kubernetes: Kubernetes) -> Iterator[Traefik]:
    """For Ingresses of a class of its own, which is gone afterwards."""
    port = free_port()
    address = Traefik(port, f"traefik-{port}", folder / "certificate.pem")
    kubernetes.kubectl("create", "-f", "-", manifest=_class(address))
    try:
        command = [built_command() / "traefik", *_options(folder, address)]
        environment = {"KUBECONFIG": str(kubernetes.kubeconfig)}
        log = folder / "traefik.log"
        with running(command, log=log, answers=lambda: accepts(port), environment=environment):
            yield address
    finally:
        kubernetes.kubectl("delete", "ingressclass", address.ingress_class)


def built_command() -> Path:
    """The folder with the command `traefik`."""
    return go_tools(HERE)


def _class(address: Traefik) -> dict[str, object]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": address.ingress_class},
        "spec": {"controller": "traefik.io/ingress-controller"},
    }


def _options(folder: Path, address: Traefik) -> list[str]:
    """https://doc.traefik.io/traefik/v3.5/reference/install-configuration/"""
    key, rules = folder / "key.pem", folder / "rules.yml"
    _sign(address.ca, key)
    certificate = {"certFile": str(address.ca), "keyFile": str(key)}
    rules.write_text(json.dumps({"tls": {"stores": {"default": {"defaultCertificate": certificate}}}}))
    return [
        f"--entrypoints.websecure.address={LOOPBACK}:{address.port}",
        "--entrypoints.websecure.http.tls=true",
        f"--providers.file.filename={rules}",
        "--providers.kubernetesingress=true",
        f"--providers.kubernetesingress.ingressclass={address.ingress_class}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]


def _sign(certificate: Path, key: Path) -> None:
    """A certificate that is its own authority."""
    names = ("-subj", f"/CN=*.{DOMAIN}", "-addext", f"subjectAltName=DNS:*.{DOMAIN}")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", *names]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
