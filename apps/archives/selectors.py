"""Reads of the index that several rooms need."""

import gzip
import json
from collections.abc import Collection
from typing import Any

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.archives.models import Archive, Instance, Series, Study

ORDER = ("instance_number", "sop_instance_uid")
# Modalities of series that hold no pictures of their own.
DERIVED_MODALITIES = frozenset({"SEG", "SR", "PR", "KO", "RTSTRUCT", "RTPLAN", "REG"})
_HEAVY = ("metadata", "attributes")


def metadata_of(instance: Instance) -> dict[str, dict[str, Any]]:
    """All attributes of an instance as one DICOM JSON object (PS3.18 F.2)."""
    found: dict[str, dict[str, Any]] = json.loads(gzip.decompress(instance.metadata))
    return found


def instances_of(series: Series) -> QuerySet[Instance]:
    """The instances of a series in the order in which a viewer shows them, without their metadata."""
    return series.instances.defer(*_HEAVY).order_by(*ORDER)


def stored_series(archive: Archive, series_instance_uid: str) -> Series | None:
    """A series of an archive with its study."""
    return (
        Series.objects.select_related("study").filter(archive=archive, series_instance_uid=series_instance_uid).first()
    )


def representatives(series: Collection[Series]) -> dict[int, Instance]:
    """The middle image of each series, by primary key of the series; series without images have none."""
    images = Instance.objects.filter(series__in=series, number_of_frames__gt=0)
    counted = images.annotate(
        position=Window(RowNumber(), partition_by=F("series"), order_by=[F(name).asc() for name in ORDER]),
        total=Window(Count("pk"), partition_by=F("series")),
    )
    middle = counted.filter(position=F("total") / 2 + 1).values_list("pk", flat=True)
    found = Instance.objects.filter(pk__in=list(middle)).select_related("series__study").defer(*_HEAVY)
    return {instance.series_id: instance for instance in found}


def representative_of_study(study: Study) -> Instance | None:
    """The middle image of the first series with images of its own, else of the first with any images."""
    everything = list(study.series.order_by("series_number", "pk"))
    images = representatives(everything)
    shown = [series for series in everything if series.pk in images]
    own = [series for series in shown if series.modality not in DERIVED_MODALITIES]
    return images[(own or shown)[0].pk] if shown else None
