"""What the project page shows of a project on a cluster, all from rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.clusters.models import Placement, secrets_by
from apps.clusters.quantities import amount
from apps.core.units import GIB
from apps.projects.models import Allocation, Membership, Project
from apps.workspaces.models import Drift, NamespaceSeen, NodePort, OrthancAccess, Workspace

MEMBERS_SHOWN, DRIFTS_SHOWN = 50, 5
DRIFTS_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Usage:
    """One resource: what was asked for, granted, and is used of what the quota allows (`used` of `limit`)."""

    name: str
    requested: int
    granted: int
    used: float | None
    limit: float | None


@dataclass(frozen=True)
class Dimse:
    """Where a project's Orthanc takes DICOM, and as whom a device has to call."""

    host: str
    port: int
    calling_titles: list[str]


QUOTAS = {
    "cpus": ("CPU cores", "requests.cpu", 1),
    "memory_gib": ("Memory, GiB", "requests.memory", GIB),
    "gpus": ("GPUs", "requests.nvidia.com/gpu", 1),
    "storage_gib": ("Storage, GiB", "requests.storage", GIB),
}


def placement_of(project: Project) -> Placement | None:
    found = Placement.objects.select_related("cluster", "cluster__snapshot").defer(*secrets_by("cluster"))
    return found.filter(project=project).first()


def has_orthanc(project: Project) -> bool:
    return OrthancAccess.objects.filter(project=project).exists()


def memberships(project: Project) -> QuerySet[Membership]:
    return project.memberships.select_related("user").order_by("user__name", "pk")[:MEMBERS_SHOWN]


def workspaces_by_user(project: Project) -> dict[int, Workspace]:
    found = Workspace.objects.filter(project=project, removed_at=None).select_related("node_port", "project")
    return {workspace.user_id: workspace for workspace in found}


def usage(allocation: Allocation, seen: NamespaceSeen | None) -> list[Usage]:
    used, hard = (seen.used, seen.hard) if seen else ({}, {})
    return [
        Usage(
            name=title,
            requested=getattr(allocation, f"requested_{field}"),
            granted=getattr(allocation, f"granted_{field}"),
            used=_rounded(used.get(quota), unit),
            limit=_rounded(hard.get(quota), unit),
        )
        for field, (title, quota, unit) in QUOTAS.items()
    ]


def recent_drifts(project: Project) -> QuerySet[Drift]:
    return project.drifts.filter(repaired_at__gt=timezone.now() - DRIFTS_FOR).order_by("-pk")[:DRIFTS_SHOWN]


def dimse_of(project: Project, host: str) -> Dimse | None:
    """None where no device is listed, or its port is not open yet."""
    port = NodePort.objects.filter(dicom_of=project).first()
    titles = list(project.dicom_devices.values_list("ae_title", flat=True))
    return Dimse(host, port.number, titles) if port and titles else None


def last_seen(seen: NamespaceSeen | None) -> datetime | None:
    return seen.seen_at if seen else None


def _rounded(quantity: str | None, unit: int) -> float | None:
    return None if quantity is None else round(amount(quantity) / unit, 1)
