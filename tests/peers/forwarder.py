"""Between the portal and a server that others use too: its way can be closed or blocked, and the server lives on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.peers.starting import LOOPBACK
from tests.portal import free_port


class Forwarder:
    """`port` leads to another port of loopback, connection by connection, as long as the way is open."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._flows = threading.Event()
        self._listening: socket.socket | None = None
        self._ends: set[socket.socket] = set()

    def open(self) -> None:
        self._flows.set()
        if self._listening is None:
            self._listening = socket.create_server((LOOPBACK, self.port), backlog=128)
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Takes every connection and lets nothing through, neither of new ones nor of those that are there."""
        self.open()
        self._flows.clear()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Refuses every connection, and ends those that are there."""
        self.close()
        try:
            yield
        finally:
            self.open()

    def close(self) -> None:
        if self._listening is not None:
            _end(self._listening)
            self._listening = None
        for end in list(self._ends):
            _end(end)
        self._flows.set()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                here, _ = listening.accept()
            except OSError:
                return
            try:
                there = socket.create_connection((LOOPBACK, self._target))
            except OSError:
                _end(here)
                continue
            self._ends |= {here, there}
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                self._flows.wait()
                target.sendall(content)
        for end in (source, target):
            _end(end)
            self._ends.discard(end)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)  # wakes who waits on it
    one.close()


@contextmanager
def forwarding(target: int) -> Iterator[Forwarder]:
    forwarder = Forwarder(target)
    forwarder.open()
    try:
        yield forwarder
    finally:
        forwarder.close()
