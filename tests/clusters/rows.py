"""Clusters for tests: a row, and what was seen of it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.clusters.models import Cluster, Snapshot
from apps.clusters.reading import Taken, document, summary
from tests.clusters.objects import a_node, a_pod


def make_cluster(name: str, status: Cluster.Status = Cluster.Status.NEVER_SEEN, **fields: Any) -> Cluster:
    """One that answers nowhere."""
    known = {"server": "https://cluster.invalid:6443", "token": "made-up-token"}
    return Cluster.objects.create(name=name, status=status, **{**known, **fields})


def seen_cluster(name: str, **fields: Any) -> Cluster:
    """Reachable a moment ago: two nodes with two A100 each, of which one is taken."""
    cluster = make_cluster(name, Cluster.Status.REACHABLE, **fields)
    taken = Taken(["cardiac-mr"])
    taken.add(a_pod("busy", "cardiac-mr", node=f"{name}-1", gpus=1))
    content = document("v1.34.4", [a_node(f"{name}-1"), a_node(f"{name}-2")], taken)
    Snapshot.objects.create(cluster=cluster, taken_at=timezone.now(), content=content, summary=summary(content))
    return cluster
