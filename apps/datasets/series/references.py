"""Which series and images a derived object speaks of, read from its metadata in the DICOM JSON model (PS3.18 F.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.archives.services import JsonDataSet, segment_colour
from apps.datasets.series.elements import first, items, values

_SERIES_INSTANCE_UID = "0020000E"
_REFERENCED_SOP_INSTANCE_UID = "00081155"
_PER_FRAME_GROUPS, _DERIVATION_IMAGE, _SOURCE_IMAGE = "52009230", "00089124", "00082112"
_SEGMENTS, _SEGMENT_NUMBER, _SEGMENT_LABEL, _RECOMMENDED_COLOUR = "00620002", "00620004", "00620005", "0062000D"


@dataclass(frozen=True)
class Segment:
    label: str
    colour: str  # "#rrggbb", as in the pictures of the mask


def referenced_series(dataset: JsonDataSet) -> list[str]:
    """Every SeriesInstanceUID in a sequence of the object, in its order.

    Segmentations name them in ReferencedSeriesSequence, reports in CurrentRequestedProcedureEvidenceSequence, structure
    sets in RTReferencedSeriesSequence; all three hold the attribute itself.
    """
    nested = (uid for item in _sequence_items(dataset) for uid in _series_in(item))
    return list(dict.fromkeys(nested))


def covered_images(segmentation: JsonDataSet) -> frozenset[str]:
    """SOPInstanceUIDs of the images that frames of a segmentation are drawn on; empty when its frames name none."""
    sources = (
        source
        for frame in items(segmentation, _PER_FRAME_GROUPS)
        for derivation in items(frame, _DERIVATION_IMAGE)
        for source in items(derivation, _SOURCE_IMAGE)
    )
    return frozenset(str(first(source, _REFERENCED_SOP_INSTANCE_UID)) for source in sources)


def segments_of(segmentation: JsonDataSet) -> list[Segment]:
    """The segments in their order, with the colours that their mask is painted in."""
    return [_segment(item, place) for place, item in enumerate(items(segmentation, _SEGMENTS), 1)]


def _segment(item: JsonDataSet, place: int) -> Segment:
    number = first(item, _SEGMENT_NUMBER)
    words = values(item, _RECOMMENDED_COLOUR)
    recommended = (words[0], words[1], words[2]) if len(words) == 3 else None
    red, green, blue = segment_colour(number if isinstance(number, int) else place, recommended)
    return Segment(str(first(item, _SEGMENT_LABEL)), f"#{red:02x}{green:02x}{blue:02x}")


def _series_in(dataset: JsonDataSet) -> Iterator[str]:
    uid = first(dataset, _SERIES_INSTANCE_UID)
    if uid:
        yield str(uid)
    for item in _sequence_items(dataset):
        yield from _series_in(item)


def _sequence_items(dataset: JsonDataSet) -> Iterator[JsonDataSet]:
    for tag, element in dataset.items():
        if element.get("vr") == "SQ" and tag != _PER_FRAME_GROUPS:
            yield from items(dataset, tag)
