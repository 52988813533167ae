from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum

from apps.archives.models import Archive, Study


@dataclass(frozen=True)
class Totals:
    studies: int
    series: int
    instances: int
    size_bytes: int
    modalities: tuple[str, ...]


def totals(archive: Archive) -> Totals:
    """Sums over all studies of the archive, by one walk along the index that holds what they read."""
    sums = {"studies": Count("pk"), "series": Sum("series_count"), "instances": Sum("instance_count")}
    found = Study.objects.filter(archive=archive).order_by().values("modalities")
    return _summed(list(found.annotate(**sums, size=Sum("size_bytes"))))


def _summed(groups: Sequence[Mapping[str, Any]]) -> Totals:
    modalities = {modality for group in groups for modality in group["modalities"].split("\\") if modality}
    return Totals(
        studies=sum(group["studies"] for group in groups),
        series=sum(group["series"] for group in groups),
        instances=sum(group["instances"] for group in groups),
        size_bytes=sum(group["size"] for group in groups),
        modalities=tuple(sorted(modalities)),
    )
