"""Takes associations and hands what they ask to a station, within limits on everything that a peer decides."""

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from socketserver import TCPServer
from typing import Any, ParamSpec, TypeVar

import structlog
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, _config, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made when it is imported
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from apps.core.disk import is_full
from apps.integrations.dimse.port import (
    OUT_OF_RESOURCES,
    Answer,
    Caller,
    Found,
    Question,
    Received,
    Refusal,
    Station,
    Stored,
)
from apps.integrations.dimse.retrieving import Response, matches, objects, sends_files
from apps.integrations.dimse.spool import FileTooLarge, receive_into, spool_of
from apps.integrations.dimse.statuses import status_of

log = structlog.get_logger(__name__)

MOST_ASSOCIATIONS = 32
PDU_BYTES = 128 * 1024
"""As large as DCMTK sends."""
LARGEST_PDU_BYTES = PDU_BYTES + 1024
MOST_IN_MEMORY_BYTES = 1024 * 1024
MOST_WAITING = 8
STALLED_SECONDS = 30.0
IDLE_SECONDS = 120.0
AT_WORK = 16
# Of what a peer offers in one context the first that is here is taken.
TRANSFER_SYNTAXES = sorted(ALL_TRANSFER_SYNTAXES, key=lambda uid: uid != ExplicitVRLittleEndian)
SERVICES = (Verification, StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet)
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
                (evt.EVT_C_FIND, self._find),
                (evt.EVT_C_GET, self._get),
                (evt.EVT_CONN_CLOSE, self._forget),
                (evt.EVT_PDU_RECV, _bound),
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
        try:
            is_expected = self._do(self._station.expects, address)
        except Exception:
            # Raised here it would end the listening, and with it that of all others.
            log.exception("connection not answered", address=address)
            return False
        if not is_expected:
            log.warning("connection from an address that is not listed", address=address)
        return is_expected

    def _admit(self, event: evt.Event) -> None:
        """What goes wrong refuses as well: pynetdicom would log it and accept."""
        refusal: Refusal | None = Refusal.NOT_NOW
        try:
            caller = _caller_of(event.assoc)
            refusal = self._do(self._station.admit, caller)
            if refusal is None:
                self._callers[event.assoc] = caller
        finally:
            if refusal:
                _reject(event.assoc, refusal)

    def _store(self, event: evt.Event) -> Dataset:
        spool = spool_of(event.request)
        if spool.failure:
            return status_of(_answer_to(spool.failure))
        request: Any = event.request
        received = Received(
            Path(spool.name),
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
        )
        return status_of(self._do(self._store_one, self._callers[event.assoc], received))

    def _store_one(self, caller: Caller, received: Received) -> Answer:
        try:
            return self._station.store(caller, received)
        except OSError as error:
            return _answer_to(error)

    def _find(self, event: evt.Event) -> Iterator[Response]:
        caller = self._callers[event.assoc]

        def find(question: Question, offset: int) -> Found:
            return self._do(self._station.find, caller, question, offset=offset)

        return matches(event, find, ae_title=caller.called_ae_title)

    def _get(self, event: evt.Event) -> Iterator[int | Response]:
        caller = self._callers[event.assoc]

        def select(question: Question) -> list[Stored]:
            return self._do(self._station.select, caller, question)

        def fetch(stored: Stored, transfer_syntax_uid: str, held: ExitStack) -> Path:
            return self._do(lambda: held.enter_context(self._station.fetch(stored, transfer_syntax_uid)))

        return objects(event, select, fetch)

    def _forget(self, event: evt.Event) -> None:
        self._callers.pop(event.assoc, None)


class _Handler(RequestHandler):
    server: "_Server"

    def _create_association(self) -> Association:
        association = super()._create_association()
        association.acceptor.supported_contexts = self.server.shared_contexts
        sends_files(association)
        connection: socket.socket = self.request
        # A peer that stops within a PDU would keep its thread for ever.
        connection.settimeout(STALLED_SECONDS)
        setattr(association.dul.socket, "recv", partial(_read, connection))  # noqa: B010 - a method of its class
        return association


def _reject(association: Association, refusal: Refusal) -> None:
    log.warning("association refused", reason=refusal.name, address=association.requestor.address)
    association.acse.send_reject(*refusal.value)
    association.kill()


def _bound(event: evt.Event) -> None:
    """Ends a peer's connection that sends more than fits in memory: objects go to disk, all else is small."""
    dimse: Any = event.assoc.dimse
    message, connection = dimse.message, _connection_of(event.assoc)
    in_memory = message.data_set.tell() + message.encoded_command_set.tell() if message else 0
    if connection and (in_memory > MOST_IN_MEMORY_BYTES or dimse.msg_queue.qsize() > MOST_WAITING):
        log.warning("association sends too much", address=event.assoc.requestor.address)
        connection.shutdown(socket.SHUT_RDWR)


def _connection_of(association: Association) -> socket.socket | None:
    """None when it is closed."""
    return association.dul.socket.socket if association.dul.socket else None


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
        # Thousands of objects, which pynetdicom copies for each association and then only reads.
        self.shared_contexts, self.contexts = self.contexts, []

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
    for service in SERVICES:
        entity.add_supported_context(service)
    for context in AllStoragePresentationContexts:
        # Both roles: by C-GET objects go out over the association on which they were asked for.
        uid = str(context.abstract_syntax)
        entity.add_supported_context(uid, TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
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
