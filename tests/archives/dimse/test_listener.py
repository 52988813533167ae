"""The listener holds every peer within limits, and says to a peer what became of its object."""

import errno
import gc
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find

from apps.integrations.dimse import listener as listening_side
from apps.integrations.dimse.port import OUT_OF_RESOURCES, Answer, Caller, Received, Refusal
from apps.integrations.dimse.spool import Spool
from tests.archives.dimse.conftest import LOOPBACK, association, listening, send
from tests.dicom import WrittenSeries, ct_series
from tests.waiting import wait_until


@dataclass
class Recorder:
    """A station that keeps what it was given."""

    refusal: Refusal | None = None
    answer: Answer | OSError = field(default_factory=Answer)
    is_expecting: bool = True
    callers: list[Caller] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def expects(self, address: str) -> bool:
        return self.is_expecting

    def admit(self, caller: Caller) -> Refusal | None:
        self.callers.append(caller)
        return self.refusal

    def store(self, caller: Caller, received: Received) -> Answer:
        self.received.append(received)
        self.contents.append(received.path.read_bytes())
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
def station() -> Recorder:
    return Recorder()


@pytest.fixture
def port(station: Recorder, tmp_path: Path) -> Iterator[int]:
    with listening(station, tmp_path / "arriving") as listener:
        yield listener.port


@pytest.fixture
def series(tmp_path: Path) -> WrittenSeries:
    return ct_series(tmp_path / "source", slices=3)


def left(folder: Path) -> list[Path]:
    return list((folder / "arriving").iterdir())


def test_an_echo_is_answered(port: int, station: Recorder) -> None:
    with association(port, " HEART ", "CT 1") as asked:
        assert asked.send_c_echo().Status == 0
    assert station.callers == [Caller("HEART", "CT 1", LOOPBACK)]


def test_the_data_set_arrives_bit_for_bit(port: int, station: Recorder, series: WrittenSeries, tmp_path: Path) -> None:
    assert [status.Status for status in send(port, *series.paths)] == [0, 0, 0]
    for path, content, received, uid in zip(
        series.paths, station.contents, station.received, series.sop_instance_uids, strict=True
    ):
        sent = path.read_bytes()
        assert content.endswith(sent[144 + struct.unpack("<I", sent[140:144])[0] :])
        assert (received.sop_instance_uid, received.sop_class_uid) == (uid, dcmread(path).SOPClassUID)
        assert received.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    wait_until(lambda: not left(tmp_path))


@pytest.mark.parametrize("refusal", list(Refusal))
def test_who_is_not_admitted_hears_why(port: int, station: Recorder, refusal: Refusal) -> None:
    station.refusal = refusal
    with association(port) as asked:
        assert asked.is_rejected
        answer = asked.acceptor.primitive
        assert (answer.result, answer.result_source, answer.diagnostic) == refusal.value


@pytest.mark.attacks
def test_an_unexpected_address_is_not_even_read(port: int, station: Recorder) -> None:
    station.is_expecting = False
    with association(port) as asked:
        assert not asked.is_established
    assert station.callers == []


def test_a_refusal_says_why_as_far_as_there_is_room(port: int, station: Recorder, series: WrittenSeries) -> None:
    station.answer = Answer(0x0111, "Schon da – " + "x" * 100)
    (status,) = send(port, series.paths[0])
    assert status.Status == 0x0111
    assert status.ErrorComment == ("Schon da ? " + "x" * 100)[:64]


@pytest.mark.faults
@pytest.mark.parametrize("question", ["expects", "admit"])
def test_who_cannot_be_looked_up_is_not_let_in_and_the_next_one_is(
    port: int, station: Recorder, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(station, question, broken)
        with association(port) as asked:
            assert not asked.is_established
    with association(port) as asked:
        assert asked.is_established


@pytest.mark.faults
def test_a_disk_that_is_full_is_out_of_resources(port: int, station: Recorder, series: WrittenSeries) -> None:
    station.answer = OSError(errno.ENOSPC, "full")
    (status,) = send(port, series.paths[0])
    assert status.Status == OUT_OF_RESOURCES


@pytest.mark.faults
def test_a_disk_that_fills_while_an_object_arrives_as_well(
    port: int, station: Recorder, series: WrittenSeries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Spool, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "full")

    class Full:
        write = full

        def close(self) -> None:
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("apps.integrations.dimse.spool.os.fdopen", lambda *_: Full())
    statuses = send(port, series.paths[0], series.paths[1])
    assert [status.Status for status in statuses] == [OUT_OF_RESOURCES] * 2
    assert (station.received, left(tmp_path)) == ([], [])


@pytest.mark.attacks
def test_an_object_that_is_too_large(station: Recorder, series: WrittenSeries, tmp_path: Path) -> None:
    with listening(station, tmp_path / "arriving", most_bytes=700) as listener:
        (status,) = send(listener.port, series.paths[0])
    assert (status.Status, status.ErrorComment) == (OUT_OF_RESOURCES, "The object is larger than the portal takes.")
    assert (station.received, left(tmp_path)) == ([], [])


@pytest.mark.faults
def test_a_fault_of_the_station_is_no_success(port: int, station: Recorder, series: WrittenSeries) -> None:
    station.answer = OSError(errno.EIO, "broken")
    (status,) = send(port, series.paths[0])
    assert 0xC000 <= status.Status <= 0xCFFF


@pytest.mark.faults
def test_an_association_that_breaks_off_leaves_nothing(
    port: int, station: Recorder, series: WrittenSeries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, is_broken = threading.Event(), threading.Event()
    write = Spool.write

    def noticed(spool: Spool, chunk: bytes) -> None:
        write(spool, chunk)
        arrived.set()
        is_broken.wait(20)

    monkeypatch.setattr(Spool, "write", noticed)
    image = dcmread(series.paths[0])
    image.PixelData, image.Rows, image.Columns = bytes(50_000_000), 5000, 5000
    with association(port) as asked:
        asked.dimse_timeout = 1
        sending = threading.Thread(target=asked.send_c_store, args=(image,))
        sending.start()
        assert arrived.wait(20)
        asked.dul.socket.socket.shutdown(socket.SHUT_RDWR)
        is_broken.set()
        sending.join()
    wait_until(lambda: gc.collect() >= 0 and not left(tmp_path))
    assert station.received == []


@pytest.mark.attacks
@pytest.mark.parametrize(
    "bytes_sent",
    [
        struct.pack(">BBL", 1, 0, 2**32 - 1) + bytes(1000),
        struct.pack(">BBL", 4, 0, 0x7FFFFFFF),
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
        struct.pack(">BBL", 1, 0, 68) + bytes(68),
    ],
)
def test_what_is_no_dicom_ends_its_connection_alone(port: int, station: Recorder, bytes_sent: bytes) -> None:
    with socket.create_connection((LOOPBACK, port), timeout=20) as connection:
        connection.sendall(bytes_sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    with association(port) as asked:
        assert asked.send_c_echo().Status == 0


@pytest.mark.attacks
def test_who_says_nothing_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch, station: Recorder) -> None:
    monkeypatch.setattr(listening_side, "STALLED_SECONDS", 0.5)
    with socket.create_connection((LOOPBACK, port), timeout=20) as connection:
        connection.sendall(struct.pack(">BBL", 1, 0, 200) + b"half")
        while connection.recv(4096):
            pass
    assert station.callers == []


@pytest.mark.attacks
def test_there_are_no_more_associations_than_the_limit(
    station: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening_side, "MOST_ASSOCIATIONS", 2)
    with listening(station, tmp_path / "arriving") as listener:
        with association(listener.port) as one, association(listener.port) as two, association(listener.port) as three:
            assert (one.is_established, two.is_established, three.is_rejected) == (True, True, True)
        wait_until(lambda: not listener._ae.active_associations)
        with association(listener.port) as four:
            assert four.is_established


@pytest.mark.attacks
def test_what_is_no_object_has_no_end_in_memory_either(
    port: int, station: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening_side, "MOST_IN_MEMORY_BYTES", 50_000)
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", "\\".join(["1.2.3"] * 100_000)
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(Find)
    asked = entity.associate(LOOPBACK, port)
    statuses = [status for status, _ in asked.send_c_find(identifier, Find)]
    assert statuses == [Dataset()]
    wait_until(lambda: not asked.is_established)
