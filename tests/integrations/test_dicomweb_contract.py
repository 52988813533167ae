"""One suite for every Orthanc that the portal may meet: the one in memory, and (in tests/peers) the real one."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from apps.integrations.dicomweb.orthanc import Orthanc
from apps.integrations.dicomweb.port import (
    AccessRefused,
    NoSuchObject,
    ObjectNotTaken,
    ObjectTooLong,
    ServerUnreachable,
)
from apps.integrations.kubernetes.route import Route
from tests.dicom import ct_series
from tests.integrations.orthanc import PASSWORD, USERNAME, name_of, running_twin
from tests.portal import free_port

pytestmark = pytest.mark.contract
ABSENT = "-".join(["00000000"] * 5)


@dataclass(frozen=True)
class Server:
    """Where it is and who may use it; others may use it meanwhile."""

    route: Route
    username: str
    password: str

    def client(self) -> Orthanc:
        return Orthanc(self.route, self.username, self.password)


@pytest.fixture
def server() -> Iterator[Server]:
    with running_twin() as twin:
        yield Server(Route(twin.url), USERNAME, PASSWORD)


@pytest.fixture
def api(server: Server) -> Orthanc:
    return server.client()


@pytest.fixture
def paths(api: Orthanc, tmp_path: Path) -> Iterator[tuple[Path, ...]]:
    """Files of three objects, which are gone from the server afterwards."""
    series = ct_series(tmp_path / "source", slices=3)
    yield series.paths
    for path in series.paths:
        api.delete(name_of(path.read_bytes()))


def test_what_is_stored_comes_back_bit_for_bit(api: Orthanc, paths: tuple[Path, ...]) -> None:
    stored = api.store(paths[0])
    assert (stored.name, stored.is_new) == (name_of(paths[0].read_bytes()), True)
    received = io.BytesIO()
    digest = api.download(stored.name, received, most_bytes=10_000_000)
    assert received.getvalue() == paths[0].read_bytes()
    assert digest.sha256 == hashlib.sha256(received.getvalue()).hexdigest()
    assert digest.size_bytes == len(received.getvalue())


def test_it_keeps_what_it_has(api: Orthanc, paths: tuple[Path, ...], tmp_path: Path) -> None:
    stored = api.store(paths[0])
    assert api.store(paths[0]) == type(stored)(stored.name, is_new=False)
    other = tmp_path / "other.dcm"
    body = paths[0].read_bytes()
    other.write_bytes(body[:-2] + bytes([body[-2] ^ 1, body[-1]]))
    assert api.store(other) == type(stored)(stored.name, is_new=False)
    received = io.BytesIO()
    api.download(stored.name, received, most_bytes=10_000_000)
    assert received.getvalue() == body


@pytest.mark.parametrize("body", [b"junk", b"PK\x03\x04" + b"\0" * 200])
def test_it_takes_only_objects(api: Orthanc, tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(body)
    with pytest.raises(ObjectNotTaken):
        api.store(path)


def test_no_more_is_read_than_asked_for(api: Orthanc, paths: tuple[Path, ...]) -> None:
    stored = api.store(paths[0])
    with pytest.raises(ObjectTooLong):
        api.download(stored.name, io.BytesIO(), most_bytes=paths[0].stat().st_size - 1)


def test_what_is_deleted_is_gone_and_twice_is_once(api: Orthanc, paths: tuple[Path, ...]) -> None:
    stored = api.store(paths[0])
    assert api.has(stored.name)
    api.delete(stored.name)
    api.delete(stored.name)
    assert not api.has(stored.name)
    with pytest.raises(NoSuchObject):
        api.download(stored.name, io.BytesIO(), most_bytes=1)
    with pytest.raises(NoSuchObject):
        api.origin(stored.name)


def test_an_object_is_found_by_its_uid(api: Orthanc, paths: tuple[Path, ...]) -> None:
    stored = api.store(paths[0])
    dataset = pydicom.dcmread(paths[0], stop_before_pixels=True)
    assert api.instances_of(dataset.SOPInstanceUID) == [stored.name]
    assert api.instances_of(dataset.SeriesInstanceUID) == []
    assert api.instances_of("1.2.3.4") == []


def test_it_says_how_an_object_came(server: Server, api: Orthanc, paths: tuple[Path, ...]) -> None:
    origin = api.origin(api.store(paths[0]).name)
    assert (origin.kind, origin.username) == ("RestApi", server.username)


def test_what_it_can_do_is_found_out_and_nothing_is_written(api: Orthanc, paths: tuple[Path, ...]) -> None:
    wanted = dict.fromkeys(("search", "store", "delete"), True)
    assert wanted.items() <= api.capabilities().items()
    api.store(paths[0])
    before = list(api.orthanc_ids()), api.last_change()
    assert api.capabilities() == {**wanted, "fetch": True}
    assert (list(api.orthanc_ids()), api.last_change()) == before


def test_the_change_log_goes_on_where_it_was_left(api: Orthanc, paths: tuple[Path, ...]) -> None:
    position = api.last_change().last
    first, second = (api.store(path).name for path in paths[:2])
    page = api.changes(position)
    new = [change for change in page.changes if change.kind == "NewInstance"]
    assert [change.orthanc_id for change in new] == [first, second]
    assert page.is_done
    assert page.last == page.changes[-1].seq == api.last_change().last
    assert api.last_change().changes == page.changes[-1:]
    assert api.changes(page.last).changes == ()
    assert api.changes(page.last + 1000).last == page.last


def test_deletions_leave_no_trace_but_the_number(api: Orthanc, paths: tuple[Path, ...]) -> None:
    before = api.count()
    names = [api.store(path).name for path in paths]
    tail = api.last_change()
    assert set(names) <= set(api.orthanc_ids())
    assert api.count() == before + 3
    for name in names:
        api.delete(name)
    assert api.count() == before
    later = api.changes(tail.changes[0].seq - 1)
    assert later.changes == ()
    assert later.last >= tail.last


def test_strangers_are_refused(server: Server, paths: tuple[Path, ...]) -> None:
    stranger = Orthanc(server.route, server.username, "wrong")
    with pytest.raises(AccessRefused):
        stranger.count()
    with pytest.raises(AccessRefused):
        stranger.store(paths[0])


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(ServerUnreachable):
        Orthanc(Route(f"http://127.0.0.1:{free_port()}"), USERNAME, PASSWORD).count()


def test_secrets_are_not_in_what_is_shown(server: Server) -> None:
    with pytest.raises(ServerUnreachable) as caught:
        Orthanc(Route(f"http://127.0.0.1:{free_port()}"), server.username, server.password).count()
    assert server.password not in f"{server.client()!r} {caught.value!r} {caught.value.__cause__!r}"
