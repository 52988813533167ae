"""Query parameters of the URI service, also called WADO-URI (PS3.18 9): one instance by one address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict

from apps.archives.converters import UidConverter
from apps.archives.dicomweb.negotiation import DICOM, NotAcceptable, Offer, choose
from apps.archives.dicomweb.presentation import PICTURES, Region, decimal, quality, region_in, side, window_of
from apps.archives.dicomweb.query import QueryInvalid
from apps.archives.models import Instance
from apps.archives.port import Look
from apps.core.numbers import is_whole_number

# What would show something else than is asked for when it were ignored.
_REFUSED = {
    "anonymize": "This service takes no identity out of objects.",
    "presentationUID": "This service applies no presentation states.",
}


@dataclass(frozen=True)
class Target:
    """Which instance is asked for."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


def target_of(parameters: QueryDict) -> Target:
    """Raises QueryInvalid."""
    if parameters.get("requestType") != "WADO":
        raise QueryInvalid(
            "This address is for requestType=WADO; searches are at its /studies, /series and /instances."
        )
    for name in _REFUSED.keys() & parameters.keys():
        raise QueryInvalid(_REFUSED[name])
    return Target(*(_uid(parameters, name) for name in ("studyUID", "seriesUID", "objectUID")))


def offer_for(request: HttpRequest, instance: Instance) -> Offer:
    """Whether the object is given as it is stored, or as a picture: what is asked for, else a picture if it has any.

    Raises NotAcceptable.
    """
    stored = Offer(DICOM, transfer_syntax_uid=instance.transfer_syntax_uid)
    offer = choose(request, [*(PICTURES if instance.number_of_frames else ()), stored], parameter="contentType")
    wanted = request.GET.get("transferSyntax", "*")
    if offer is stored and wanted not in ("*", stored.transfer_syntax_uid):
        raise NotAcceptable(f"The object is stored in, and given in, the transfer syntax {stored.transfer_syntax_uid}.")
    return offer


def frame_of(parameters: QueryDict, instance: Instance) -> int:
    """From 1. Raises QueryInvalid."""
    text = parameters.get("frameNumber", "1")
    if not (is_whole_number(text, most_digits=9) and 1 <= int(text) <= instance.number_of_frames):
        raise QueryInvalid(f"frameNumber must be from 1 to {instance.number_of_frames}.")
    return int(text)


def look_of(parameters: Mapping[str, str], instance: Instance, media_type: str) -> Look:
    """How it is to be shown. Raises QueryInvalid."""
    centre, width = parameters.get("windowCenter"), parameters.get("windowWidth")
    if (centre is None) != (width is None):
        raise QueryInvalid("windowCenter and windowWidth go together.")
    return Look(
        media_type,
        window=window_of(centre, width) if centre is not None and width is not None else None,
        width=side(parameters["columns"], "the picture") if "columns" in parameters else None,
        height=side(parameters["rows"], "the picture") if "rows" in parameters else None,
        region=_region(parameters["region"], instance) if "region" in parameters else None,
        quality=quality(parameters.get("imageQuality", "90")),
    )


def _uid(parameters: QueryDict, name: str) -> str:
    value = parameters.get(name, "")
    if not re.fullmatch(UidConverter.regex, value):
        raise QueryInvalid(f"{name} is missing, or no UID.")
    return value


def _region(text: str, instance: Instance) -> Region:
    """From left, top, right and bottom as fractions of the image, which is how this service has them."""
    parts = [decimal(part, "region") for part in text.split(",")]
    if len(parts) != 4 or not (0 <= parts[0] < parts[2] <= 1 and 0 <= parts[1] < parts[3] <= 1):
        raise QueryInvalid("region must be left,top,right,bottom, each from 0 to 1.")
    left, top, right, bottom = parts
    columns, rows = instance.columns or 0, instance.rows or 0
    return region_in(instance, (left * columns, top * rows, (right - left) * columns, (bottom - top) * rows))
