"""Addresses of the pictures of a series: its frames at the archive's DICOMweb endpoint, and the masks over them."""

from collections.abc import Callable

from apps.archives.models import Series
from apps.datasets.addresses import dicomweb, page
from apps.datasets.series.stacks import Frame, Mask


def frame_address(series: Series) -> Callable[[Frame], str]:
    """The address of each frame of a series, as a screen shows it; it may be followed by `?window=…`."""
    # A long series has thousands of frames: only the part that they share is looked up.
    root = dicomweb("series", series.archive, series.study.study_instance_uid, series.series_instance_uid)
    return lambda frame: f"{root}/instances/{frame.sop_instance_uid}/frames/{frame.number}/rendered"


def mask_address(series: Series) -> Callable[[Mask, Frame], str]:
    """The address of a mask on a frame of a series."""

    def address(mask: Mask, frame: Frame) -> str:
        number = {} if frame.number == 1 else {"frame": str(frame.number)}
        return page("overlay", series.archive, mask.series_instance_uid, frame.sop_instance_uid, **number)

    return address
