"""Asking a DIMSE address whether it answers."""

import enum
import socket
import time

from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made when it is imported

ANSWER_SECONDS = 10.0


class Echo(enum.Enum):
    ANSWERED = "It lets this portal in."
    REFUSED = "It answers, and lets in the listed devices alone, of which this portal is none."
    SILENT = "Nothing answers there."


def echo(host: str, port: int, *, called_ae_title: str, calling_ae_title: str) -> Echo:
    """C-ECHO (PS3.4 A). What refuses, or closes the connection at once, is there."""
    entity = AE(ae_title=calling_ae_title)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = ANSWER_SECONDS
    entity.add_requested_context(Verification)
    opened: list[evt.Event] = []
    until = time.monotonic() + ANSWER_SECONDS
    handlers: list[evt.EventHandlerType] = [(evt.EVT_CONN_OPEN, opened.append)]
    try:
        association = entity.associate(host, port, ae_title=called_ae_title, evt_handlers=handlers)
    except socket.gaierror:
        return Echo.SILENT
    if association.is_established:
        is_answered = association.send_c_echo().get("Status") == 0
        association.release()
        return Echo.ANSWERED if is_answered else Echo.SILENT
    is_there = association.is_rejected or (bool(opened) and time.monotonic() < until)
    return Echo.REFUSED if is_there else Echo.SILENT
