"""The test cluster as the portal gets to know one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from apps.clusters.models import Cluster
from apps.integrations.kubernetes.port import Credentials
from tests.peers.kubernetes.cluster import Kubernetes


def administrator(cluster: Kubernetes) -> Credentials:
    """With every permission."""
    config = json.loads(cluster.kubeconfig.read_text())
    user = config["users"][0]["user"]
    return Credentials(
        server=cluster.server,
        ca_pem=Path(config["clusters"][0]["cluster"]["certificate-authority"]).read_text(),
        certificate_pem=Path(user["client-certificate"]).read_text(),
        key_pem=Path(user["client-key"]).read_text(),
    )


def known_cluster(name: str, cluster: Kubernetes, *, ssh_host: str = "") -> Cluster:
    """Registered, with every permission, and seen."""
    return Cluster.objects.create(
        name=name, status=Cluster.Status.REACHABLE, ssh_host=ssh_host, **asdict(administrator(cluster))
    )
