"""Clusters as pages show them: the badge with its sentence, and GPUs added up over all that answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from apps.clusters.models import Cluster
from apps.core.badges import Badge
from apps.core.units import GIB

Status = Cluster.Status
SOON, TURNS_MISSED = timedelta(minutes=5), 5
"""After so long, and so many looks in a row that did not happen, it is no delay any more."""
NOT_LOOKED_AT = "The portal's worker does not look at clusters now, so what is free is not known."
LEFT_ALONE = "It is not looked at and gets no new projects. What runs there runs on, with the SSH keys of before."


@dataclass(frozen=True)
class Shown:
    """A cluster of a list, with what was last seen of it."""

    cluster: Cluster
    badge: Badge
    taken_at: datetime | None
    summary: dict[str, Any]

    @property
    def is_current(self) -> bool:
        """Whether what was seen is how it is."""
        return self.cluster.status == Status.REACHABLE and not is_old(self.taken_at)

    @property
    def gpus_free(self) -> int:
        return sum(gpus["free"] for gpus in self.summary.get("gpus", {}).values())

    @property
    def gpus_total(self) -> int:
        return sum(gpus["total"] for gpus in self.summary.get("gpus", {}).values())


@dataclass
class Product:
    """A kind of GPU, over all clusters that answer."""

    name: str
    total: int = 0
    free: int = 0
    largest: int = 0
    largest_on: str = ""

    @property
    def taken(self) -> int:
        return self.total - self.free


def shown(clusters: Iterable[Cluster]) -> list[Shown]:
    return [_shown(cluster) for cluster in clusters]


def _shown(cluster: Cluster) -> Shown:
    snapshot = getattr(cluster, "snapshot", None)
    summary = snapshot.summary if snapshot else {}
    taken_at = snapshot.taken_at if snapshot else None
    return Shown(cluster, badge_of(cluster, summary, taken_at), taken_at, summary)


def badge_of(cluster: Cluster, summary: dict[str, Any], taken_at: datetime | None) -> Badge:
    match cluster.status:
        case Status.REACHABLE if taken_at and is_old(taken_at):
            return Badge("wait", "clock", f"Not looked at since {_when(taken_at)}", NOT_LOOKED_AT)
        case Status.REACHABLE:
            return _badge_of_reachable(summary)
        case Status.UNREACHABLE:
            since = f"Unreachable since {_when(cluster.status_changed_at)}"
            return Badge("bad", "plug-connected-x", since, _with_last(cluster.trouble, taken_at))
        case Status.REFUSED:
            return Badge("bad", "key", "Credentials refused", _with_last(cluster.trouble, taken_at))
        case Status.DISABLED:
            return Badge("off", "ban", "Disabled", LEFT_ALONE)
        case _:
            return Badge("wait", "hourglass", "Never seen", "It is looked at within a minute.")


def is_old(taken_at: datetime | None) -> bool:
    """Whether nobody has looked at a cluster since that could have been."""
    patience = max(SOON, TURNS_MISSED * timedelta(seconds=float(settings.SWEEP_SECONDS)))
    return taken_at is not None and timezone.now() - taken_at > patience


def _badge_of_reachable(summary: dict[str, Any]) -> Badge:
    missing = summary.get("nodes", 0) - summary.get("ready", 0)
    if missing:
        return Badge("wait", "alert-triangle", f"{missing} node{'s' if missing > 1 else ''} not ready")
    troubled = summary.get("troubled", 0)
    if troubled:
        return Badge("wait", "alert-triangle", f"{troubled} node{'s' if troubled > 1 else ''} in trouble")
    return Badge("good", "circle-check", "Reachable")


def _with_last(trouble: str, taken_at: datetime | None) -> str:
    return f"{trouble} Last seen {_when(taken_at)}." if taken_at else f"{trouble} It was never seen."


def _when(at: datetime) -> str:
    here = timezone.localtime(at)
    return f"{here:%H:%M}" if here.date() == timezone.localdate() else date_format(here, "j F, H:i")


def products(rows: Iterable[Shown]) -> list[Product]:
    """Of clusters that answer now, the most frequent first."""
    found: dict[str, Product] = {}
    for row in rows:
        for name, gpus in row.summary.get("gpus", {}).items() if row.is_current else ():
            product = found.setdefault(name, Product(name))
            product.total += gpus["total"]
            product.free += gpus["free"]
            if gpus["largest"] > product.largest:
                product.largest, product.largest_on = gpus["largest"], gpus["largest_on"]
    return sorted(found.values(), key=lambda product: (-product.total, product.name))


class Node(NamedTuple):
    name: str
    badge: Badge
    product: str
    gpus_free: int
    gpus_total: int
    cpus_taken: float
    cpus_total: float
    memory_taken_gib: float
    memory_total_gib: float
    pods: int


def nodes(content: dict[str, Any]) -> list[Node]:
    return [_node(node) for node in content.get("nodes", ())]


def _node(node: dict[str, Any]) -> Node:
    total, taken = node["allocatable"], node["requested"]
    is_open = node["is_ready"] and node["is_schedulable"]
    return Node(
        name=node["name"],
        badge=_badge_of_node(node),
        product=node["gpu_product"],
        gpus_free=max(0, total["gpu"] - taken["gpu"]) if is_open else 0,
        gpus_total=total["gpu"],
        cpus_taken=taken["cpu"],
        cpus_total=total["cpu"],
        memory_taken_gib=taken["memory"] / GIB,
        memory_total_gib=total["memory"] / GIB,
        pods=node["pods"],
    )


def _badge_of_node(node: dict[str, Any]) -> Badge:
    if not node["is_ready"]:
        return Badge("bad", "alert-triangle", "Not ready")
    if node["troubles"]:
        return Badge("wait", "alert-triangle", ", ".join(node["troubles"]).capitalize())
    if not node["is_schedulable"]:
        return Badge("off", "player-pause", "Takes no new pods")
    return Badge("good", "circle-check", "Ready")
