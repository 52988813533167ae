"""Reads of the index that several rooms need."""

import gzip
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Prefetch, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.archives.media import PIXEL_DATA
from apps.archives.models import ApplicationEntity, Archive, Instance, RemoteServer, Series, Study
from apps.projects.models import Project

ORDER = ("instance_number", "sop_instance_uid")
# Modalities of series that hold no pictures of their own.
DERIVED_MODALITIES = frozenset({"SEG", "SR", "PR", "KO", "RTSTRUCT", "RTPLAN", "REG"})
_HEAVY = ("metadata", "attributes")


@dataclass(frozen=True)
class Outage:
    """Since when the server of an archive is of no use, and what an administrator should know of it.

    Asleep: it was stopped together with its project.
    """

    since: datetime
    complaint: str
    is_asleep: bool = False


def outage_of(archive: Archive) -> Outage | None:
    """What was last seen of the archive's server, which is not asked; None when all is well."""
    if archive.kind == Archive.Kind.BUILT_IN:
        return None
    if archive.project.is_asleep:
        return Outage(archive.project.status_changed_at, "", is_asleep=True)
    servers = RemoteServer.objects.filter(archive=archive).exclude(unreachable_since=None)
    seen = servers.values_list("unreachable_since", "complaint").first()
    return Outage(seen[0], seen[1]) if seen and seen[0] else None


def ae_title_of(project: Project) -> str:
    """By which devices call it; "" while it is being set up."""
    titles = ApplicationEntity.objects.filter(project=project).values_list("ae_title", flat=True)
    return titles.first() or ""


def metadata_of(instance: Instance) -> dict[str, dict[str, Any]]:
    """All attributes of an instance as one DICOM JSON object (PS3.18 F.2)."""
    found: dict[str, dict[str, Any]] = json.loads(metadata_bytes(instance))
    return found


def metadata_bytes(instance: Instance) -> bytes:
    """What `metadata_of` gives, as JSON text in UTF-8."""
    return gzip.decompress(instance.metadata)


def long_values(instance: Instance) -> dict[str, int]:
    """Bytes of the values that are left out of its metadata, by path (`00281201`, `54000100/1/54001010`)."""
    places = json.loads(gzip.decompress(instance.frames))
    lengths = {path: value["length"] for path, value in places["bulk"].items()}
    if fragments := places["frames"].get("fragments"):
        lengths[PIXEL_DATA] = sum(length for frame in fragments for _, length in frame)
    return lengths


def instances_of(series: Series) -> QuerySet[Instance]:
    """The instances of a series in the order in which a viewer shows them, without their metadata."""
    return series.instances.defer(*_HEAVY).order_by(*ORDER)


def whole_instances(subject: Study | Series | Instance) -> list[Instance]:
    """All instances of a study or series, or the one given, with all above them, in the order of series."""
    if isinstance(subject, Instance):
        return [subject]
    belongs = {"series__study": subject} if isinstance(subject, Study) else {"series": subject}
    # Fetched for themselves, since a join would make all of them anew for each instance.
    above = Series.objects.select_related("study__patient").defer("attributes", "study__attributes")
    found = Instance.objects.filter(**belongs).prefetch_related(Prefetch("series", above)).defer(*_HEAVY, "frames")
    return list(found.order_by("series__series_number", "series_id", *ORDER))


def representatives(series: Collection[Series]) -> dict[int, Instance]:
    """The middle image of each series, by primary key of the series; series without images have none."""
    images = Instance.objects.filter(series__in=series, number_of_frames__gt=0)
    counted = images.annotate(
        position=Window(RowNumber(), partition_by=F("series"), order_by=[F(name).asc() for name in ORDER]),
        total=Window(Count("pk"), partition_by=F("series")),
    )
    middle = counted.filter(position=F("total") / 2 + 1).values_list("pk", flat=True)
    found = Instance.objects.filter(pk__in=list(middle)).select_related("archive", "series__study").defer(*_HEAVY)
    return {instance.series_id: instance for instance in found}


def representative_of(subject: Study | Series | Instance) -> Instance | None:
    """The instance itself, the middle image of a series, or that of the first series of a study with own images."""
    if isinstance(subject, Instance):
        return subject
    series = [subject] if isinstance(subject, Series) else list(subject.series.order_by("series_number", "pk"))
    images = representatives(series)
    shown = sorted((one for one in series if one.pk in images), key=lambda one: one.modality in DERIVED_MODALITIES)
    return images[shown[0].pk] if shown else None


def study_of(subject: Study | Series | Instance) -> Study:
    """The study that something belongs to, or is."""
    if isinstance(subject, Study):
        return subject
    return subject.study if isinstance(subject, Series) else subject.series.study


def uids_of(subject: Study | Series | Instance) -> dict[str, str]:
    """Its UID and those above it, by name."""
    if isinstance(subject, Study):
        return {"study_instance_uid": subject.study_instance_uid}
    if isinstance(subject, Series):
        return {**uids_of(subject.study), "series_instance_uid": subject.series_instance_uid}
    return {**uids_of(subject.series), "sop_instance_uid": subject.sop_instance_uid}


def uid_of(subject: Study | Series | Instance) -> str:
    """Its own UID, of whichever level it is."""
    if isinstance(subject, Study):
        return subject.study_instance_uid
    return subject.series_instance_uid if isinstance(subject, Series) else subject.sop_instance_uid
