"""One suite for DICOMweb servers that are not ours: the one in memory, and (in tests/peers) Orthanc by its plugin."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.integrations.dicomweb.port import (
    AccessRefused,
    DeletionRefused,
    NoSuchObject,
    ObjectNotTaken,
    ObjectTooLong,
    ServerUnreachable,
)
from apps.integrations.dicomweb.web import DicomWeb
from apps.integrations.kubernetes.route import Route
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.dicomweb_server import PASSWORD, USERNAME, running_dicomweb
from tests.portal import free_port

pytestmark = pytest.mark.contract
ABSENT = "studies/1.2/series/1.2.3/instances/1.2.3.4"


@dataclass(frozen=True)
class Server:
    """Where it is and who may use it; others may use it meanwhile."""

    url: str
    username: str
    password: str
    remove: Callable[[str], None]
    """As its administrator does."""
    deletes: bool = True

    def client(self, **other: str) -> DicomWeb:
        wanted = {"url": self.url, "username": self.username, "password": self.password, **other}
        return DicomWeb(Route(wanted["url"]), wanted["username"], wanted["password"])


@pytest.fixture
def server() -> Iterator[Server]:
    with running_dicomweb() as twin:
        yield Server(twin.url, USERNAME, PASSWORD, twin.remove)


@pytest.fixture
def api(server: Server) -> DicomWeb:
    return server.client()


@pytest.fixture
def series(server: Server, tmp_path: Path) -> Iterator[WrittenSeries]:
    """Three objects, which are gone from the server afterwards."""
    written = ct_series(tmp_path / "source", slices=3)
    yield written
    for name in names_of(written):
        server.remove(name)


def names_of(series: WrittenSeries) -> list[str]:
    place = f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}/instances"
    return [f"{place}/{uid}" for uid in series.sop_instance_uids]


def received(api: DicomWeb, name: str, most_bytes: int = 10_000_000) -> bytes:
    destination = io.BytesIO()
    digest = api.download(name, destination, most_bytes=most_bytes)
    assert digest.size_bytes == len(destination.getvalue())
    assert digest.sha256 == hashlib.sha256(destination.getvalue()).hexdigest()
    return destination.getvalue()


def test_what_is_stored_comes_back_bit_for_bit(api: DicomWeb, series: WrittenSeries) -> None:
    for name, path in zip(names_of(series), series.paths, strict=True):
        api.store(path)
        assert received(api, name) == path.read_bytes()


def test_what_it_has_is_found(api: DicomWeb, series: WrittenSeries) -> None:
    for path in series.paths:
        api.store(path)
    names = names_of(series)
    assert sorted(api.instances(series.study_instance_uid)) == sorted(names)
    found = {study.study_instance_uid: study.instance_count for study in api.studies(0)}
    assert found[series.study_instance_uid] in (3, None)
    assert series.study_instance_uid not in {study.study_instance_uid for study in api.studies(10_000)}
    assert api.has_study(series.study_instance_uid)
    assert not api.has_study("1.2.3")
    assert api.has(names[1])
    assert api.instances_of(series.sop_instance_uids[1]) == [names[1]]
    api.ping()


def test_what_is_deleted_is_gone_and_twice_is_once(server: Server, api: DicomWeb, series: WrittenSeries) -> None:
    api.store(series.paths[0])
    name = names_of(series)[0]
    for _ in range(2):
        with nullcontext() if server.deletes else pytest.raises(DeletionRefused):
            api.delete(name)
    assert api.has(name) is not server.deletes


def test_what_is_gone_is_gone(server: Server, api: DicomWeb, series: WrittenSeries) -> None:
    api.store(series.paths[0])
    name = names_of(series)[0]
    server.remove(name)
    assert not api.has(name)
    assert list(api.instances(series.study_instance_uid)) == []
    for absent in (name, ABSENT):
        with pytest.raises(NoSuchObject):
            received(api, absent)
    assert api.instances_of(series.sop_instance_uids[0]) == []


def test_an_object_that_is_too_long_is_not_taken(api: DicomWeb, series: WrittenSeries) -> None:
    api.store(series.paths[0])
    with pytest.raises(ObjectTooLong):
        received(api, names_of(series)[0], most_bytes=series.paths[0].stat().st_size - 1)


def test_what_is_no_object_is_not_stored(api: DicomWeb, tmp_path: Path) -> None:
    path = tmp_path / "text.dcm"
    path.write_bytes(b"no DICOM at all")
    with pytest.raises(ObjectNotTaken):
        api.store(path)


def test_what_it_can_do_is_found_out_and_nothing_is_written(api: DicomWeb, series: WrittenSeries) -> None:
    api.store(series.paths[0])
    before = {study.study_instance_uid for study in api.studies(0)}
    found = api.capabilities()
    assert {name: found.get(name) for name in ("search", "metadata", "fetch", "frames", "rendered", "store")} == (
        dict.fromkeys(("search", "metadata", "fetch", "frames", "rendered", "store"), True)
    )
    assert {study.study_instance_uid for study in api.studies(0)} == before


def test_another_password_is_refused(server: Server) -> None:
    for credentials in ({"password": "another"}, {"username": "", "password": ""}, {"username": "", "password": "t"}):
        with pytest.raises(AccessRefused):
            server.client(**credentials).ping()


def test_nobody_there_is_a_fact(server: Server) -> None:
    with pytest.raises(ServerUnreachable):
        server.client(url=f"http://127.0.0.1:{free_port()}/dicom-web").ping()
