"""The mask of a segmentation series over one image."""

from base64 import b64decode

from apps.archives.models import Instance, Series
from apps.archives.port import Picture
from apps.archives.services import overlay
from apps.datasets.selectors import segmentation_over

# One transparent pixel: an image without a mask is no error to a viewer that asks for one.
NOTHING = Picture(
    "image/png",
    b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR4nGNgAAIAAAUAAXpeqz8AAAAASUVORK5CYII="),
)


def mask_over(segmentations: Series, image: Instance, *, frame: int) -> Picture:
    """The segments on frame `frame` (from 1) of `image` as RGBA PNG; one transparent pixel where there are none.

    Raises ObjectUnavailable, FileRefused, PoolBusy.
    """
    segmentation = segmentation_over(segmentations, image.sop_instance_uid)
    picture = overlay(segmentation, image, frame=frame) if segmentation else None
    return picture or NOTHING
