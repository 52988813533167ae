"""Which media type an answer has (PS3.18 8.3.3, 8.7; RFC 9110 12.5.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest

from apps.archives.media import OCTET_STREAM

MULTIPART = "multipart/related"
DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
JSON = "application/json"
# Names of the time before the types were registered, as clients still send them.
_OLD_NAMES = {"image/x-jls": "image/jls", "image/x-dicom-rle": "image/dicom-rle", "image/jpg": "image/jpeg"}


class NotAcceptable(Exception):
    """Nothing that the client accepts can be given; the message says what can."""


@dataclass(frozen=True)
class MediaRange:
    """One entry of Accept. Of multipart/related, `media_type` is what the parts are to be."""

    media_type: str
    is_multipart: bool = False
    is_anything: bool = False
    transfer_syntax_uid: str = ""
    quality: float = 1.0


@dataclass(frozen=True)
class Offer:
    """One form that an answer can have."""

    media_type: str
    is_multipart: bool = False
    transfer_syntax_uid: str = ""


@dataclass
class _Header:
    media_type: str
    parameters: dict[str, str] = field(default_factory=dict)


def choose(request: HttpRequest, offers: Sequence[Offer], *, parameter: str = "accept") -> Offer:
    """The offer that the client likes best; among equals the first one offered. Raises NotAcceptable.

    The query parameter goes before the header Accept, which decides when nothing fits that, or when there is none
    (PS3.18 8.7.8.1); without both anything will do.
    """
    asked = [text for text in (request.GET.get(parameter), request.headers.get("Accept")) if text] or ["*/*"]
    for text in asked:
        if offer := _best([_range(entry) for entry in _split(text, ",")], offers):
            return offer
    raise NotAcceptable("This can be had as " + ", ".join(dict.fromkeys(map(_shown, offers))) + ".")


def content_type(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """Media type and parameters of the request's body, in lower case but for the values."""
    header = _parsed(request.headers.get("Content-Type", ""))
    return header.media_type, header.parameters


def _best(ranges: Sequence[MediaRange], offers: Sequence[Offer]) -> Offer | None:
    refused = [one for one in ranges if not one.quality and "*" not in one.media_type]
    left = [offer for offer in offers if not any(_fits(one, offer) for one in refused)]
    for wanted in sorted(ranges, key=lambda one: -one.quality):
        for offer in left:
            if wanted.quality and _fits(wanted, offer):
                return offer
    return None


def _range(entry: str) -> MediaRange:
    header = _parsed(entry)
    is_multipart = header.media_type == MULTIPART
    media_type = header.parameters.get("type", DICOM).lower() if is_multipart else header.media_type
    return MediaRange(
        media_type=_OLD_NAMES.get(media_type, media_type),
        is_multipart=is_multipart,
        is_anything=header.media_type in ("*/*", "multipart/*"),
        transfer_syntax_uid=header.parameters.get("transfer-syntax", ""),
        quality=_quality(header.parameters.get("q", "1")),
    )


def _fits(wanted: MediaRange, offer: Offer) -> bool:
    if wanted.is_anything:
        return True
    if wanted.is_multipart != offer.is_multipart:
        return False
    any_syntax = wanted.transfer_syntax_uid in ("*", offer.transfer_syntax_uid)
    if wanted.media_type == OCTET_STREAM and any_syntax and offer.media_type.startswith(("image/", "video/")):
        # "application/octet-stream; transfer-syntax=*" is how clients ask for frames just as they are stored.
        return bool(offer.transfer_syntax_uid)
    return (any_syntax or not wanted.transfer_syntax_uid) and _same_type(wanted.media_type, offer.media_type)


def _same_type(pattern: str, media_type: str) -> bool:
    kind, _, subtype = pattern.partition("/")
    return pattern in (media_type, "*/*") or (subtype == "*" and media_type.startswith(f"{kind}/"))


def _parsed(text: str) -> _Header:
    media_type, *parameters = _split(text, ";") or [""]
    pairs = (parameter.partition("=") for parameter in parameters)
    return _Header(media_type.lower(), {name.strip().lower(): value.strip(' "') for name, _, value in pairs})


def _split(text: str, separator: str) -> list[str]:
    """Parts between separators that stand outside quotes."""
    parts, current, is_quoted = [], "", False
    for character in text:
        is_quoted ^= character == '"'
        if character == separator and not is_quoted:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part.strip() for part in [*parts, current] if part.strip()]


def _quality(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.[0-9]{0,3})?", text) else 1.0


def _shown(offer: Offer) -> str:
    syntax = f"; transfer-syntax={offer.transfer_syntax_uid}" if offer.transfer_syntax_uid else ""
    return f'{MULTIPART}; type="{offer.media_type}"{syntax}' if offer.is_multipart else f"{offer.media_type}{syntax}"
