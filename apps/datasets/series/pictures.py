"""Pictures that the archive decodes for pages of images."""

from base64 import b64decode

from apps.archives.models import Instance, Series
from apps.archives.services import (
    ArchiveUnreachable,
    FileRefused,
    Look,
    ObjectUnavailable,
    Picture,
    PoolBusy,
    is_at_hand,
    overlay,
    render,
)
from apps.datasets.series.derivations import segmentation_over

# One transparent pixel: an image without a mask is no error to a viewer that asks for one.
NOTHING = Picture(
    "image/png",
    b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR4nGNgAAIAAAUAAXpeqz8AAAAASUVORK5CYII="),
)


def mask_over(segmentations: Series, image: Instance, *, frame: int) -> Picture:
    """The segments on frame `frame` (from 1) of `image` as RGBA PNG; one transparent pixel where there are none.

    Raises ObjectUnavailable, ArchiveUnreachable, FileRefused, PoolBusy.
    """
    segmentation = segmentation_over(segmentations, image.sop_instance_uid)
    picture = overlay(segmentation, image, frame=frame) if segmentation else None
    return picture or NOTHING


def applied_window(image: Instance, frame: int) -> list[float] | None:
    """Window centre and width with which frame `frame` (from 1) is shown; None for colour.

    None too when it cannot be shown, or not at once.
    """
    if not is_at_hand(image):
        return None
    try:
        window = render(image, frame, Look(width=1, height=1)).window
    except (FileRefused, ObjectUnavailable, ArchiveUnreachable, PoolBusy):
        return None
    return list(window) if window else None
