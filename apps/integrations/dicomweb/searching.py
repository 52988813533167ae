"""One search (QIDO-RS, PS3.18 10.6), and what is read from the datasets that it finds."""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from apps.integrations.dicomweb.exchange import Exchange, checked, json_of
from apps.integrations.dicomweb.port import AnswerInvalid

Found = dict[str, Any]

JSON = "application/dicom+json"
STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_UID_LENGTH = 64


def search(exchange: Exchange, path: str, query: dict[str, str], *, may_be_absent: bool = False) -> list[Found]:
    """Datasets in DICOM JSON; none where nothing is at the path, if that may be so. Raises ServerFailed."""
    with exchange.answer("GET", f"{path}?{urlencode(query)}", headers={"Accept": JSON}) as response:
        if response.status_code == HTTPStatus.NO_CONTENT:
            return []
        if may_be_absent and response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return []
        found = json_of(checked(response))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise AnswerInvalid("It answers with something else than a DICOMweb server does.")
    return found


def uid_in(found: Found, tag: str) -> str:
    """Checked, since it becomes a part of addresses; "" for what is no UID."""
    value = _value(found, tag)
    is_uid = isinstance(value, str) and len(value) <= _UID_LENGTH and _UID.fullmatch(value)
    return value if is_uid else ""


def integer_in(found: Found, tag: str) -> int | None:
    value = _value(found, tag)
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _value(found: Found, tag: str) -> Any:
    element = found.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None
