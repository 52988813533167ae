"""Addresses of pictures: frames and thumbnails at the project's DICOMweb endpoint (PS3.18 10.4.1.1.4), masks here."""

from collections.abc import Callable

from django.urls import reverse

from apps.archives.models import Series
from apps.datasets.stacks import Frame, Mask

_FRAME = "/instances/{uid}/frames/{number}/rendered"


def frame_address(series: Series) -> Callable[[Frame], str]:
    """The address of each frame of a series; a long series has thousands, so only the first part is looked up."""
    root = series_root(series)
    return lambda frame: root + _FRAME.format(uid=frame.sop_instance_uid, number=frame.number)


def mask_address(series: Series) -> Callable[[Mask, Frame], str]:
    """The address of a mask on a frame of a series."""

    def address(mask: Mask, frame: Frame) -> str:
        arguments = [series.archive.project.namespace, mask.series_instance_uid, frame.sop_instance_uid]
        path = reverse("datasets:overlay", args=arguments)
        return path if frame.number == 1 else f"{path}?frame={frame.number}"

    return address


def series_root(series: Series) -> str:
    namespace = series.archive.project.namespace
    return (
        f"/projects/{namespace}/dicomweb/studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
    )
