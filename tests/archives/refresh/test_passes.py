"""The index follows a DICOMweb server that others write into, by passes over its studies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.archives import passes, reach, receiving, registering, services
from apps.archives.following import follow
from apps.archives.mending import mend
from apps.archives.models import Archive, Instance, RemoteServer, SkippedObject, Study
from apps.archives.registering import Place
from apps.archives.services import ArchiveUnreachable, IncomingFile, refresh, store_files
from apps.archives.verification import verify
from apps.audit.models import Entry
from apps.integrations.dicomweb import web as client
from apps.projects.models import Project
from tests.archives.dicom_files import changed
from tests.archives.refresh.conftest import counts, fetched_again
from tests.dicom import WrittenSeries, ct_series
from tests.integrations.dicomweb_server import PASSWORD, USERNAME, TwinDicomWeb, running_dicomweb
from tests.killing import is_killed, lines_of

FILES = ("archives/passes.py", "archives/receiving.py", "archives/removal.py", "archives/index.py")
KILLS = 8


@pytest.fixture
def twin() -> Iterator[TwinDicomWeb]:
    with running_dicomweb() as running:
        yield running


@pytest.fixture
def archive(twin: TwinDicomWeb, project: Project, tmp_path: Path, settings: Settings) -> Archive:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    alice = project.memberships.get(role="owner").user
    place = Place(twin.url, USERNAME, PASSWORD)
    return registering.add(project, name="hospital", kind=Archive.Kind.DICOMWEB, place=place, by=alice)


def filled(twin: TwinDicomWeb, folder: Path, *, studies: int = 1, slices: int = 2) -> list[WrittenSeries]:
    """As other programs do."""
    written = [ct_series(folder / str(number), slices=slices, patient_id=f"P{number}") for number in range(studies)]
    for series in written:
        for path in series.paths:
            twin.put(path.read_bytes())
    return written


def test_what_others_stored_comes_into_the_index(archive: Archive, twin: TwinDicomWeb, tmp_path: Path) -> None:
    filled(twin, tmp_path / "1", studies=3)
    assert refresh(archive)
    assert counts() == (3, 3, 3, 6)
    assert {entry.action for entry in Entry.objects.filter(action__startswith="images.")} == {"images.indexed"}
    filled(twin, tmp_path / "2", slices=3)
    assert refresh(archive)
    assert counts()[1:] == (4, 4, 9)
    assert list(verify(archive)) == []
    server = RemoteServer.objects.get(archive=archive)
    assert server.last_seen_at is not None
    assert server.pass_started_at is None
    assert server.refresh_due_at > timezone.now() + timedelta(minutes=4)


@pytest.mark.parametrize("lacks", [set(), {"counts"}, {"paging"}, {"paging", "counts"}])
def test_twice_is_once_and_asks_for_no_object_again(
    archive: Archive, twin: TwinDicomWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: set[str]
) -> None:
    twin.lacks = lacks
    filled(twin, tmp_path / "1", studies=2)
    assert refresh(archive)
    monkeypatch.setattr(receiving, "_downloaded", fetched_again)
    assert refresh(archive)
    assert counts() == (2, 2, 2, 4)


def test_pages_of_whatever_size_are_followed(
    archive: Archive, twin: TwinDicomWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PER_PAGE", 3)
    filled(twin, tmp_path / "1", studies=5, slices=4)
    twin.most_at_once = 2
    assert refresh(archive)
    assert counts() == (5, 5, 5, 20)


def test_what_is_removed_leaves_the_index(archive: Archive, twin: TwinDicomWeb, tmp_path: Path) -> None:
    first, second = filled(twin, tmp_path / "1", studies=2, slices=3)
    assert refresh(archive)
    names = list(
        Instance.objects.filter(series__series_instance_uid=first.series_instance_uid).values_list(
            "remote_name", flat=True
        )
    )
    twin.remove(names[1])
    assert refresh(archive)
    assert Study.objects.get(study_instance_uid=first.study_instance_uid).instance_count == 2
    for key in [key for key in twin.objects if key[0] == second.study_instance_uid]:
        del twin.objects[key]
    assert refresh(archive)
    assert counts() == (1, 1, 1, 2)
    twin.objects.clear()
    assert refresh(archive)
    assert counts() == (0, 0, 0, 0)


def test_a_pass_that_is_cut_off_goes_on_where_it_was(
    archive: Archive, twin: TwinDicomWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(twin, tmp_path / "1", studies=4)
    seen: list[int] = []
    for _ in range(10):
        if passes.go_over(archive, _client(archive), seconds=0):
            break
        server = RemoteServer.objects.get(archive=archive)
        seen.append(server.pass_offset)
    assert seen == sorted(seen)
    assert counts() == (4, 4, 4, 8)


@pytest.mark.faults
@pytest.mark.timeout(240)
@pytest.mark.django_db(transaction=True)
def test_a_pass_that_is_killed_at_any_of_its_lines_goes_on(
    archive: Archive, twin: TwinDicomWeb, tmp_path: Path
) -> None:
    filled(twin, tmp_path / "0", studies=3)
    lines = lines_of(lambda: follow(archive), FILES)
    killed_within = 0
    for kill in range(KILLS):
        twin.objects.clear()
        uids = [series.study_instance_uid for series in filled(twin, tmp_path / str(kill + 1), studies=3)]
        last = 1 + kill * lines // KILLS
        assert is_killed(lambda last=last: lines_of(lambda: follow(archive), FILES, last=last))
        killed_within += 0 < Study.objects.filter(study_instance_uid__in=uids).count() < 3
        # The pass that goes on, and one that sees what came before it.
        assert follow(archive)
        assert follow(archive)
        assert counts() == (3, 3, 3, 6)
        assert list(verify(archive)) == []
        assert list(mend(archive)) == []
    assert killed_within


@pytest.mark.parametrize("fault", ["absent", "html", "error"])
def test_a_server_that_is_not_itself_empties_no_index(
    archive: Archive, twin: TwinDicomWeb, tmp_path: Path, fault: str
) -> None:
    filled(twin, tmp_path / "1")
    assert refresh(archive)
    twin.fault = fault
    with pytest.raises(ArchiveUnreachable):
        refresh(archive)
    assert counts() == (1, 1, 1, 2)
    assert RemoteServer.objects.get().complaint


def test_what_the_index_cannot_take_is_written_down_and_leaves_with_its_object(
    archive: Archive, twin: TwinDicomWeb, tmp_path: Path
) -> None:
    (series,) = filled(twin, tmp_path / "1")
    assert refresh(archive)
    other = changed(series.paths[0], tmp_path / "other.dcm", PatientID="OTHER", SOPInstanceUID="1.2.3.4")
    name = twin.put(other.read_bytes())
    assert refresh(archive)
    assert "another patient" in SkippedObject.objects.get(remote_name=name).sentence
    assert refresh(archive)
    twin.remove(name)
    assert refresh(archive)
    assert not SkippedObject.objects.exists()


def test_what_the_server_makes_of_an_object_is_what_the_index_says(
    archive: Archive, twin: TwinDicomWeb, tmp_path: Path
) -> None:
    (path,) = ct_series(tmp_path / "1", slices=1).paths
    twin.rewrite = lambda body: changed(path, tmp_path / "rewritten.dcm", InstitutionName="Elsewhere").read_bytes()
    (result,) = store_files(archive, [IncomingFile(path)], by=None)
    assert not result.is_refused
    assert list(verify(archive)) == []
    assert Instance.objects.get().size_bytes != path.stat().st_size


@pytest.mark.attacks
@pytest.mark.parametrize("uid", ["../../etc", "1.2/series/3", "", "1." * 40, "1.2 OR 1"])
def test_what_is_no_uid_is_passed_by(archive: Archive, twin: TwinDicomWeb, tmp_path: Path, uid: str) -> None:
    filled(twin, tmp_path / "1")
    for at in range(3):
        key = list(next(iter(twin.objects)))
        key[at] = uid
        twin.objects[tuple(key)] = next(iter(twin.objects.values()))  # type: ignore[index]
    registering.probe_due(archive)
    assert refresh(archive)
    assert counts() == (1, 1, 1, 2)
    assert not [asked for asked in twin.requests if ".." in asked]


def test_a_server_that_takes_nothing_is_not_asked(archive: Archive, twin: TwinDicomWeb, tmp_path: Path) -> None:
    twin.lacks = {"store"}
    registering.probe_due(archive)
    twin.requests.clear()
    (result,) = store_files(archive, [IncomingFile(*ct_series(tmp_path / "1", slices=1).paths)], by=None)
    assert "takes no objects" in result.sentence
    assert twin.requests == []


def test_it_leads_nowhere_that_is_not_allowed(archive: Archive, settings: Settings, twin: TwinDicomWeb) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    with pytest.raises(ArchiveUnreachable):
        services.probe(archive)
    assert "administrator can allow" in RemoteServer.objects.get().complaint
    assert twin.requests == []


def _client(archive: Archive) -> client.DicomWeb:
    server = RemoteServer.objects.get(archive=archive)
    return client.DicomWeb(reach.route_to(server), USERNAME, PASSWORD)
