"""What the project page shows of a project on a cluster, all from rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Case, QuerySet, When
from django.utils import timezone

from apps.accounts.models import User
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
    """Where a project takes DICOM by DIMSE; without a host it is a port of its cluster's nodes."""

    host: str
    port: int


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


def memberships(project: Project, *, first: User) -> QuerySet[Membership]:
    """By name, the person who asks before all others, and no more than `MEMBERS_SHOWN`."""
    own_first = Case(When(user=first, then=0), default=1)
    return project.memberships.select_related("user").order_by(own_first, "user__name", "pk")[:MEMBERS_SHOWN]


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


def dimse_of(project: Project) -> Dimse | None:
    """None where no listener runs on this machine, or the port of the project's Orthanc is not open."""
    placement = placement_of(project)
    if placement is None:
        host = urlsplit(settings.PUBLIC_URL).hostname or ""
        return Dimse(host, settings.DIMSE_PORT) if settings.DIMSE_PORT else None
    port = NodePort.objects.filter(dicom_of=project).first()
    return Dimse(placement.cluster.ssh_host, port.number) if port else None


def last_seen(seen: NamespaceSeen | None) -> datetime | None:
    return seen.seen_at if seen else None


def _rounded(quantity: str | None, unit: int) -> float | None:
    return None if quantity is None else round(amount(quantity) / unit, 1)
