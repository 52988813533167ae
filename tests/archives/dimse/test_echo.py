"""Whether a DIMSE address answers, and what is said of one that does not."""

import socket
import threading
from pathlib import Path

import pytest

from apps.integrations.dimse import client
from apps.integrations.dimse.client import Echo, echo
from apps.integrations.dimse.port import Refusal
from tests.archives.dimse.conftest import LOOPBACK, listening
from tests.archives.dimse.test_listener import Recorder
from tests.portal import free_port

TITLES = {"called_ae_title": "HEART", "calling_ae_title": "MAIA"}


@pytest.mark.parametrize(
    ("station", "found"),
    [
        (Recorder(), Echo.ANSWERED),
        (Recorder(refusal=Refusal.CALLING_TITLE_UNKNOWN), Echo.REFUSED),
        (Recorder(is_expecting=False), Echo.REFUSED),
    ],
)
def test_a_listener(station: Recorder, found: Echo, tmp_path: Path) -> None:
    with listening(station, tmp_path / "arriving") as listener:
        assert echo(LOOPBACK, listener.port, **TITLES) is found


@pytest.mark.faults
def test_nothing_there() -> None:
    assert echo(LOOPBACK, free_port(), **TITLES) is Echo.SILENT
    assert echo("no-such-host.invalid", 104, **TITLES) is Echo.SILENT


@pytest.mark.faults
def test_what_takes_the_connection_and_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)
    with socket.create_server((LOOPBACK, 0)) as server:
        taken: list[socket.socket] = []
        taking = threading.Thread(target=lambda: taken.append(server.accept()[0]))
        taking.start()
        assert echo(LOOPBACK, server.getsockname()[1], **TITLES) is Echo.SILENT
        taking.join()
        taken[0].close()
