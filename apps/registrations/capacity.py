"""What the platform has free, as far as it is known: for those who grant."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone

from apps.clusters import pages
from apps.clusters.models import Cluster
from apps.clusters.selectors import with_summaries
from apps.core.templatetags.ui import in_bytes
from apps.projects.models import Allocation, Project
from apps.provisioning.plan import are_on_clusters

GIB = 1024**3
HOLDING = {Project.Status.PROVISIONING} | Project.AT_WORK
MEMORY_FILE = Path("/proc/meminfo")


@dataclass(frozen=True)
class Place:
    """A cluster, or this machine: what is free of what there is, and what projects there were granted."""

    name: str
    free: list[str]
    granted: str
    as_of: datetime | None
    trouble: str = ""


def places() -> list[Place]:
    """Where a new project may go. Two queries, however many clusters and projects there are."""
    granted = _granted()
    if not are_on_clusters():
        return [Place("This machine", _free_here(), granted.get(None, _words({})), timezone.now())]
    clusters = with_summaries(Cluster.objects.exclude(status=Cluster.Status.DISABLED)).order_by("name")
    return [_place(row, granted) for row in pages.shown(clusters)]


def _place(row: pages.Shown, granted: Mapping[int | None, str]) -> Place:
    words = granted.get(row.cluster.pk, _words({}))
    trouble = "" if row.is_current else f"{row.badge.word}. {row.badge.sentence}".strip()
    return Place(row.cluster.name, _free_of(row.summary), words, row.taken_at, trouble)


def _free_of(summary: Mapping[str, Any]) -> list[str]:
    if not summary:
        return []
    free = {name: _left(summary[name]) for name in ("cpu", "memory")}
    cpu, memory = summary["cpu"]["allocatable"], summary["memory"]["allocatable"]
    return [
        f"{free['cpu']:.0f} of {cpu:.0f} CPU cores",
        f"{free['memory'] / GIB:.0f} of {memory / GIB:.0f} GiB of memory",
        *(f"{gpus['free']} of {gpus['total']} {product}" for product, gpus in summary["gpus"].items()),
    ]


def _left(amounts: Mapping[str, float]) -> float:
    return max(0.0, amounts["allocatable"] - amounts["requested"])


def _free_here() -> list[str]:
    disk = shutil.disk_usage(settings.VAR_DIR)
    memory = dict(line.split(":", 1) for line in MEMORY_FILE.read_text().splitlines()) if MEMORY_FILE.exists() else {}
    free, total = (_gib(memory.get(name, "0 kB")) for name in ("MemAvailable", "MemTotal"))
    return [
        f"{os.cpu_count()} CPU cores, shared by all",
        *([f"{free:.0f} of {total:.0f} GiB of memory"] if total else []),
        f"{in_bytes(disk.free)} of {in_bytes(disk.total)} of storage",
    ]


def _gib(kilobytes: str) -> float:
    return int(kilobytes.split(maxsplit=1)[0]) * 1024 / GIB


def _granted() -> dict[int | None, str]:
    """By cluster; None is this machine."""
    sums = {name: Sum(f"granted_{name}") for name in ("cpus", "memory_gib", "gpus", "storage_gib")}
    rows = Allocation.objects.filter(project__status__in=HOLDING).values("project__placement__cluster")
    return {row["project__placement__cluster"]: _words(row) for row in rows.annotate(projects=Count("pk"), **sums)}


def _words(row: Mapping[str, Any]) -> str:
    if not row.get("projects"):
        return "nothing so far"
    gpus, projects = _count(row["gpus"], "GPU"), _count(row["projects"], "project")
    return (
        f"{row['cpus']} CPU cores, {row['memory_gib']} GiB of memory, {gpus} and {row['storage_gib']} GiB of storage, "
        f"to {projects}"
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
