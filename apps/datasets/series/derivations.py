"""What the derived series of a study were made from, and on which images a segmentation lies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Exists, OuterRef

from apps.archives.models import Instance, Series, Study
from apps.archives.selectors import DERIVED_MODALITIES, instances_of, metadata_of
from apps.datasets.series.references import Segment, covered_images, referenced_series, segments_of

_KEPT_SECONDS = 24 * 3600
_MOST_DERIVED_INSTANCES = 200


@dataclass(frozen=True)
class Derivation:
    """What the objects of one derived series were made from."""

    source_series: tuple[str, ...]
    covered: dict[str, int]  # SOPInstanceUID of an image → primary key of the segmentation drawn on it
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class SeriesGroup:
    """A series and what was made from it."""

    source: Series
    derived: tuple[Series, ...]


def series_groups(study: Study) -> list[SeriesGroup]:
    """The series of a study by number, each with those made from it; what has no source here stands for itself."""
    images_of_it = Instance.objects.filter(series=OuterRef("pk"), number_of_frames__gt=0)
    everything = list(study.series.annotate(has_images=Exists(images_of_it)).order_by("series_number", "pk"))
    made = [series for series in everything if series.modality in DERIVED_MODALITIES]
    images = {series.series_instance_uid for series in everything if series not in made}
    sources = {
        pk: next((uid for uid in derivation.source_series if uid in images), None)
        for pk, derivation in derivations_of(made).items()
    }
    return [
        SeriesGroup(series, tuple(it for it in made if sources[it.pk] == series.series_instance_uid))
        for series in everything
        if sources.get(series.pk) is None
    ]


def images_of(series: Series) -> list[tuple[str, int]]:
    """SOPInstanceUID and number of frames of what can be shown, in the order in which a viewer shows it."""
    images = instances_of(series).filter(number_of_frames__gt=0)
    return list(images.values_list("sop_instance_uid", "number_of_frames"))


def segmentations_of(series: Series) -> list[tuple[Series, Derivation]]:
    """The segmentation series of the same study that were drawn on this one."""
    candidates = list(Series.objects.filter(study=series.study_id, modality="SEG").order_by("series_number", "pk"))
    derivations = derivations_of(candidates)
    return [
        (candidate, derivations[candidate.pk])
        for candidate in candidates
        if series.series_instance_uid in derivations[candidate.pk].source_series
    ]


def sources_of(series: Series) -> list[Series]:
    """The series of the same study that a derived series was made from."""
    if series.modality not in DERIVED_MODALITIES:
        return []
    uids = derivations_of([series])[series.pk].source_series
    return list(Series.objects.filter(study=series.study_id, series_instance_uid__in=uids).order_by("series_number"))


def segmentation_over(series: Series, sop_instance_uid: str) -> Instance | None:
    """The object of a segmentation series that is drawn on an image; None when none is.

    A segmentation whose frames name no source image may lie on any: the first object is tried.
    """
    covered = derivations_of([series])[series.pk].covered
    objects = instances_of(series).select_related("series__study")
    if not covered:
        return objects.first()
    return objects.filter(pk=covered[sop_instance_uid]).first() if sop_instance_uid in covered else None


def derivations_of(series: Sequence[Series]) -> dict[int, Derivation]:
    """By primary key of the series. Kept, since metadata of a long segmentation takes a while to read."""
    keys = {it.pk: f"datasets.derivation.{it.pk}.{it.metadata_version}" for it in series}
    kept = cache.get_many(keys.values())
    missing = [pk for pk, key in keys.items() if key not in kept]
    made = _read_derivations(missing) if missing else {}
    cache.set_many({keys[pk]: derivation for pk, derivation in made.items()}, _KEPT_SECONDS)
    return {pk: kept[key] if key in kept else made[pk] for pk, key in keys.items()}


def _read_derivations(series_pks: list[int]) -> dict[int, Derivation]:
    objects: dict[int, list[Instance]] = {pk: [] for pk in series_pks}
    for instance in Instance.objects.filter(series__in=series_pks).order_by("pk")[:_MOST_DERIVED_INSTANCES]:
        objects[instance.series_id].append(instance)
    return {pk: _derivation(instances) for pk, instances in objects.items()}


def _derivation(instances: Iterable[Instance]) -> Derivation:
    source_series: dict[str, None] = {}
    covered: dict[str, int] = {}
    segments: dict[Segment, None] = {}
    for instance in instances:
        metadata = metadata_of(instance)
        source_series.update(dict.fromkeys(referenced_series(metadata)))
        segments.update(dict.fromkeys(segments_of(metadata)))
        # Of several segmentations on one image the first is shown.
        covered = {**dict.fromkeys(covered_images(metadata), instance.pk), **covered}
    return Derivation(tuple(source_series), covered, tuple(segments))
