"""Answers to C-FIND and C-GET (PS3.4 C.4), one by one as pynetdicom sends them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import _config, evt
from pynetdicom.association import Association

from apps.integrations.dimse.port import DOES_NOT_MATCH, Found, NotFetched, Question, StationRefuses, Stored
from apps.integrations.dimse.statuses import status_of

_PENDING, _CANCELLED = 0xFF00, 0xFE00
# Of the identifier itself: SpecificCharacterSet, QueryRetrieveLevel, RetrieveAETitle.
_NO_KEYS = {0x00080005, 0x00080052, 0x00080054}
_PLAIN = {str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian)}
_LEVELS = ("STUDY", "SERIES", "IMAGE")
_NO_LEVEL = "The level is none of STUDY, SERIES and IMAGE."
_UNREADABLE = "The identifier cannot be read."
# Files are sent as they are, without being read into memory.
_config.STORE_SEND_CHUNKED_DATASET = True

Response = tuple[int | Dataset, Dataset | None]


class Outgoing(Dataset):
    """An object that goes out from its file: of the data set no more than its name."""

    def __init__(self, path: Path | None, sop_instance_uid: str) -> None:
        super().__init__()
        self.path = path
        self.SOPInstanceUID = sop_instance_uid


def sends_files(association: Association) -> None:
    """C-GET of pynetdicom sends data sets alone, written anew; from now on an Outgoing goes as its bytes are."""
    send = association.send_c_store

    def send_file(dataset: Any, *args: Any, **kwargs: Any) -> Dataset:
        if not isinstance(dataset, Outgoing):
            return send(dataset, *args, **kwargs)
        if dataset.path is None:
            raise NotFetched
        return send(dataset.path, *args, **kwargs)

    setattr(association, "send_c_store", send_file)  # noqa: B010 - a method of its class


def matches(event: evt.Event, find: Callable[[Question, int], Found], *, ae_title: str) -> Iterator[Response]:
    """`find` gives what matches from an offset on; `ae_title` is whence it can be fetched."""
    offset = 0
    try:
        question = _question(event)
        while True:
            page = find(question, offset)
            for match in page.objects:
                if event.is_cancelled:
                    yield _CANCELLED, None
                    return
                yield _PENDING, _response(question, match, ae_title)
            if page.is_last:
                return
            offset += len(page.objects)
    except StationRefuses as refusal:
        yield status_of(refusal.answer), None


def objects(
    event: evt.Event,
    select: Callable[[Question], list[Stored]],
    fetch: Callable[[Stored, str, ExitStack], Path],
) -> Iterator[int | Response]:
    """How many there are, then each, whose file `fetch` has, in a transfer syntax, until the stack is closed."""
    try:
        selected = select(_question(event))
    except StationRefuses as refusal:
        yield 1
        yield status_of(refusal.answer), None
        return
    yield len(selected)
    for stored in selected:
        if event.is_cancelled:
            yield _CANCELLED, None
            return
        with ExitStack() as held:
            yield _PENDING, Outgoing(_fetched(event.assoc, stored, fetch, held), stored.sop_instance_uid)


def _fetched(
    association: Association, stored: Stored, fetch: Callable[[Stored, str, ExitStack], Path], held: ExitStack
) -> Path | None:
    """None for what cannot be sent: it counts as failed, and the others go on."""
    try:
        return fetch(stored, _agreed(association, stored), held)
    except NotFetched:
        return None


def _agreed(association: Association, stored: Stored) -> str:
    """The transfer syntax in which the object goes out: its own if the peer takes that."""
    contexts = [cx for cx in association.accepted_contexts if cx.abstract_syntax == stored.sop_class_uid and cx.as_scu]
    agreed = {str(cx.transfer_syntax[0]) for cx in contexts}
    own = stored.transfer_syntax_uid
    return own if own in agreed else next(iter(sorted(agreed & _PLAIN)), own)


def _question(event: evt.Event) -> Question:
    """Raises StationRefuses."""
    try:
        identifier = event.identifier
        identifier.decode()
        keys = {f"{element.tag:08X}": _text(element) for element in identifier if element.tag not in _NO_KEYS}
        level = str(identifier.get("QueryRetrieveLevel", ""))
    # The bytes are the peer's, and pydicom raises nearly anything.
    except Exception as error:
        raise StationRefuses(DOES_NOT_MATCH, _UNREADABLE) from error
    if level not in _LEVELS:
        raise StationRefuses(DOES_NOT_MATCH, _NO_LEVEL)
    return Question(level, keys)


def _text(element: DataElement) -> str:
    if element.VR == "SQ" or element.value is None:
        return ""
    values = element.value if isinstance(element.value, MultiValue | list) else [element.value]
    return "\\".join(str(value) for value in values)


def _response(question: Question, match: Mapping[str, Any], ae_title: str) -> Dataset:
    """What was asked for of one match; what it has not, or no DICOM can carry, is empty (PS3.4 C.4.1.1.3.2)."""
    response = Dataset()
    for tag in question.keys:
        response[int(tag, 16)] = _element(tag, match.get(tag))
    response.SpecificCharacterSet = "ISO_IR 192"
    response.QueryRetrieveLevel = question.level
    response.RetrieveAETitle = ae_title
    return response


def _element(tag: str, value: Any) -> DataElement:
    number = int(tag, 16)
    try:
        return Dataset.from_json({tag: value})[number]
    except (KeyError, TypeError, ValueError):
        vr = dictionary_VR(number) if dictionary_has_tag(number) else "UN"
        return DataElement(number, vr, [] if vr == "SQ" else None)
