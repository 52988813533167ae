"""Addresses of pictures: frames and thumbnails at the project's DICOMweb endpoint (PS3.18 10.4.1.1.4), masks here."""

from collections.abc import Callable

from django.urls import reverse

from apps.archives.models import Series
from apps.datasets.stacks import Frame, Mask


def frame_address(series: Series) -> Callable[[Frame], str]:
    """The address of each frame of a series, as a screen shows it; it may be followed by `?window=…`."""
    # A long series has thousands of frames: only the part that they share is looked up.
    root = _root(series)
    return lambda frame: f"{root}/instances/{frame.sop_instance_uid}/frames/{frame.number}/rendered"


def mask_address(series: Series) -> Callable[[Mask, Frame], str]:
    """The address of a mask on a frame of a series."""

    def address(mask: Mask, frame: Frame) -> str:
        arguments = [series.archive.project.namespace, mask.series_instance_uid, frame.sop_instance_uid]
        path = reverse("datasets:overlay", args=arguments)
        return path if frame.number == 1 else f"{path}?frame={frame.number}"

    return address


def _root(series: Series) -> str:
    namespace = series.archive.project.namespace
    return reverse("archives:series", args=[namespace, series.study.study_instance_uid, series.series_instance_uid])
