"""Addresses of pages of images, and of the pictures on them at the archive's DICOMweb endpoint (PS3.18 10.4.1.1.4).

Pages of an archive that is not the project's default one name it: `?archive=…`.
"""

from collections.abc import Callable
from urllib.parse import urlencode

from django.urls import reverse

from apps.archives.models import Archive, Series
from apps.datasets.stacks import Frame, Mask


def page(name: str, archive: Archive, *uids: str, **query: str) -> str:
    """Of a page of this room, `datasets:<name>`. The archive is loaded with its project."""
    named = {} if archive.is_default else {"archive": archive.name}
    path = reverse(f"datasets:{name}", args=[archive.project.namespace, *uids])
    return f"{path}?{urlencode({**named, **query})}" if named or query else path


def dicomweb(name: str, archive: Archive, *uids: str) -> str:
    """Of something at the archive's DICOMweb endpoint, `archives:<name>`."""
    named = [] if archive.is_default else [archive.name]
    return reverse(f"archives:{name}", args=[archive.project.namespace, *named, *uids])


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
