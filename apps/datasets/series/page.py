"""The page of one series: a stack of pictures, or what its objects say, or that they have neither."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import QueryDict
from pydicom.uid import SegmentationStorage

from apps.archives.models import Instance, Series
from apps.archives.selectors import instances_of, metadata_of
from apps.archives.services import JsonDataSet
from apps.datasets import access
from apps.datasets.addresses import page
from apps.datasets.series import derivations, stacks, windows
from apps.datasets.series.addresses import frame_address, mask_address
from apps.datasets.series.elements import first
from apps.datasets.series.pictures import applied_window
from apps.datasets.series.reports import content_of
from apps.datasets.series.stacks import Frame, Mask, number_asked
from apps.datasets.templatetags.dicom import dicom_date

MOST_REPORTS = 20
FACTS = (
    ("Body part", "00180015"),
    ("Protocol", "00181030"),
    ("Manufacturer", "00080070"),
    ("Model", "00081090"),
    ("Institution", "00080080"),
)


@dataclass(frozen=True)
class MaskLink:
    name: str
    url: str
    is_on: bool


@dataclass(frozen=True)
class PlainView:
    """One picture with links to its neighbours, for browsers without a script."""

    image_url: str
    mask_url: str
    previous_url: str
    next_url: str
    masks: tuple[MaskLink, ...]


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def series_context(series: Series, query: QueryDict) -> dict[str, Any]:
    """What the page shows; `query` may have `frame`, from 1, and `overlay`, the UID of a segmentation series."""
    frames = stacks.frames_of(derivations.images_of(series))
    shown = _stack_context(series, frames, query) if frames else _text_context(series)
    return {"title": title_of(series), "sources": derivations.sources_of(series), **shown}


def title_of(series: Series) -> str:
    return series.series_description or f"{series.modality or 'Unnamed'} series"


def _stack_context(series: Series, frames: Sequence[Frame], query: QueryDict) -> dict[str, Any]:
    number = min(max(number_asked(query.get("frame", "")), 1), len(frames))
    shown = frames[number - 1]
    instance = access.get_instance(series, shown.sop_instance_uid)
    metadata = metadata_of(instance)
    masks = _masks(series)
    window = _window(instance, shown.number, metadata)
    stack = stacks.stack_of(
        frames,
        masks,
        title=title_of(series),
        modality=series.modality,
        start=number,
        window=window,
        speed=stacks.speed_of(metadata),
        pixel_aspect=stacks.pixel_aspect_of(metadata),
        frame_address=frame_address(series),
        mask_address=mask_address(series),
    )
    plain = _plain_view(stack, masks, number, query.get("overlay", ""), partial(_link, series))
    return {
        "stack": stack,
        "number": number,
        "count": len(frames),
        "plain": plain,
        "presets": windows.presets_of(series.modality, metadata) if window else [],
        "speeds": sorted({*stacks.SPEEDS, stack["speed"]}),
        **_about(series, instance, metadata),
    }


def _window(instance: Instance, frame: int, metadata: JsonDataSet) -> list[float] | None:
    """What the viewer starts from: as the image says, else as it is shown; None for colour and for masks."""
    if instance.sop_class_uid == SegmentationStorage or not windows.is_grey(metadata):
        return None
    return windows.window_of(metadata) or applied_window(instance, frame)


def _text_context(series: Series) -> dict[str, Any]:
    objects = list(instances_of(series).defer(None)[:MOST_REPORTS])
    metadata = [metadata_of(instance) for instance in objects]
    reports = [content for content in map(content_of, metadata) if content is not None]
    return {"reports": reports, **(_about(series, objects[0], metadata[0]) if objects else {})}


def _about(series: Series, instance: Instance, metadata: JsonDataSet) -> dict[str, Any]:
    taken_on = Fact("Date", dicom_date(str(first(metadata, "00080021"))))
    facts = [taken_on, *(Fact(name, str(first(metadata, tag))) for name, tag in FACTS)]
    tags_url = page("attributes", series.archive, series.series_instance_uid, instance.sop_instance_uid)
    return {"facts": [fact for fact in facts if fact.value], "tags_url": tags_url}


def _masks(series: Series) -> list[Mask]:
    return [_mask(segmentation, derivation) for segmentation, derivation in derivations.segmentations_of(series)]


def _mask(segmentation: Series, derivation: derivations.Derivation) -> Mask:
    labels = ", ".join(segment.label for segment in derivation.segments if segment.label)
    colour = derivation.segments[0].colour if derivation.segments else "#e69f00"
    name = " · ".join(filter(None, (segmentation.series_description, labels))) or "Segmentation"
    return Mask(segmentation.series_instance_uid, name, colour, derivation.covered)


def _plain_view(
    stack: dict[str, Any], masks: Sequence[Mask], number: int, overlay: str, link: Callable[[int, str], str]
) -> PlainView:
    """The overlay that was asked for is on; "none" is none, and nothing asked is the first."""
    uids = [mask.series_instance_uid for mask in masks]
    chosen = overlay if overlay in {*uids, "none"} else next(iter(uids), "none")
    mask_url = stack["overlays"][uids.index(chosen)]["frames"][number - 1] if chosen in uids else None
    links = [
        MaskLink(
            mask.name,
            link(number, "none" if mask.series_instance_uid == chosen else mask.series_instance_uid),
            mask.series_instance_uid == chosen,
        )
        for mask in masks
    ]
    return PlainView(
        image_url=stack["frames"][number - 1],
        mask_url=mask_url or "",
        previous_url=link(number - 1, chosen) if number > 1 else "",
        next_url=link(number + 1, chosen) if number < len(stack["frames"]) else "",
        masks=tuple(links),
    )


def _link(series: Series, number: int, overlay: str) -> str:
    return page("series", series.archive, series.series_instance_uid, frame=str(number), overlay=overlay)
