"""Takes associations and hands what they ask to a station, within limits on everything that a peer decides."""

import errno
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from socketserver import TCPServer
from typing import Any, ParamSpec, TypeVar

import structlog
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, _config, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made when it is imported
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from apps.core.disk import is_full
from apps.integrations.dimse.port import OUT_OF_RESOURCES, Answer, Caller, Received, Station
from apps.integrations.dimse.spool import FileTooLarge, receive_into, spool_of

log = structlog.get_logger(__name__)

MOST_ASSOCIATIONS = 32
PDU_BYTES = 128 * 1024
"""As large as DCMTK sends."""
LARGEST_PDU_BYTES = PDU_BYTES + 1024
STALLED_SECONDS = 30.0
IDLE_SECONDS = 120.0
COMMENT_CHARACTERS = 64
AT_WORK = 4
_DISK_FULL = "No room on the disk."
_TOO_LARGE = "The object is larger than the portal takes."

# What is searched for, and found, are patients.
_config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False

P = ParamSpec("P")
R = TypeVar("R")


class Listener:
    """One listening port. `folder` keeps what is arriving; `station` is called in AT_WORK threads that stay."""

    def __init__(self, station: Station, address: tuple[str, int], *, folder: Path, most_bytes: int) -> None:
        receive_into(folder, most_bytes=most_bytes)
        self._station = station
        self._callers: dict[Association, Caller] = {}
        self._at_work = ThreadPoolExecutor(AT_WORK, thread_name_prefix="dimse")
        self._ae = _application_entity()
        self._server = self._ae.make_server(
            address,
            evt_handlers=[
                (evt.EVT_REQUESTED, self._admit),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_CONN_CLOSE, self._forget),
            ],
            server_class=partial(_Server, self._expects),  # type: ignore[arg-type]  # a maker is all that is called
            request_handler=_Handler,
        )
        self._serving = threading.Thread(target=self._server.serve_forever, name="dimse-listener", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._serving.start()

    def stop(self) -> None:
        """Aborts what is under way; what the station is at comes to its end first."""
        self._server.shutdown()
        for association in self._ae.active_associations:
            association.abort()
        self._at_work.shutdown()

    def _do(self, act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return self._at_work.submit(act, *args, **kwargs).result()

    def _expects(self, address: str) -> bool:
        if len(self._ae.active_associations) > 2 * MOST_ASSOCIATIONS:
            log.warning("too many connections", address=address)
            return False
        is_expected = self._do(self._station.expects, address)
        if not is_expected:
            log.warning("connection from an address that is not listed", address=address)
        return is_expected

    def _admit(self, event: evt.Event) -> None:
        caller = _caller_of(event.assoc)
        refusal = self._do(self._station.admit, caller)
        if refusal is None:
            self._callers[event.assoc] = caller
            return
        log.warning("association refused", reason=refusal.name, address=caller.address)
        event.assoc.acse.send_reject(*refusal.value)
        event.assoc.kill()

    def _store(self, event: evt.Event) -> Dataset:
        spool = spool_of(event.request)
        if spool.failure:
            return _status(_answer_to(spool.failure))
        request: Any = event.request
        received = Received(
            Path(spool.name),
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
        )
        return _status(self._do(self._store_one, self._callers[event.assoc], received))

    def _store_one(self, caller: Caller, received: Received) -> Answer:
        try:
            return self._station.store(caller, received)
        except OSError as error:
            return _answer_to(error)

    def _forget(self, event: evt.Event) -> None:
        self._callers.pop(event.assoc, None)


class _Handler(RequestHandler):
    def _create_association(self) -> Association:
        association = super()._create_association()
        connection: socket.socket = self.request
        # A peer that stops within a PDU would keep its thread for ever.
        connection.settimeout(STALLED_SECONDS)
        setattr(association.dul.socket, "recv", partial(_read, connection))  # noqa: B010 - a method of its class
        return association


def _read(connection: socket.socket, size: int) -> bytearray:
    """As AssociationSocket.recv does, but no PDU that is larger than was agreed, and in few calls."""
    if size > LARGEST_PDU_BYTES:
        raise OSError(errno.EMSGSIZE, f"a PDU of {size} bytes")
    buffer = bytearray(size)
    view, read = memoryview(buffer), 0
    while read < size and (count := connection.recv_into(view[read:])):
        read += count
    view.release()
    return buffer[:read]


class _Server(ThreadedAssociationServer):
    daemon_threads = True
    request_queue_size = MOST_ASSOCIATIONS

    def __init__(self, expects: Callable[[str], bool], *args: Any, **kwargs: Any) -> None:
        self._is_expected = expects
        super().__init__(*args, **kwargs)

    def shutdown(self) -> None:
        TCPServer.shutdown(self)
        self.server_close()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self._is_expected(client_address[0])


def _application_entity() -> AE:
    entity = AE(ae_title="MAIA")
    entity.maximum_associations = MOST_ASSOCIATIONS
    entity.maximum_pdu_size = PDU_BYTES
    entity.acse_timeout = entity.dimse_timeout = STALLED_SECONDS
    entity.network_timeout = IDLE_SECONDS
    entity.add_supported_context(Verification)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES)
    return entity


def _caller_of(association: Association) -> Caller:
    request: Any = association.requestor.primitive
    called, calling = str(request.called_ae_title).strip(), str(request.calling_ae_title).strip()
    return Caller(called, calling, association.requestor.address)


def _answer_to(error: OSError) -> Answer:
    """Raises the error when it is none of space."""
    if isinstance(error, FileTooLarge):
        return Answer(OUT_OF_RESOURCES, _TOO_LARGE)
    if is_full(error):
        return Answer(OUT_OF_RESOURCES, _DISK_FULL)
    raise error


def _status(answer: Answer) -> Dataset:
    """As pynetdicom takes it; the comment in the characters that every peer knows."""
    status = Dataset()
    status.Status = answer.status
    if answer.comment:
        status.ErrorComment = answer.comment.encode("ascii", "replace").decode()[:COMMENT_CHARACTERS]
    return status
