"""DCMTK, pynetdicom, curl and dicomweb-client do what the lines of the DICOM page say, as they stand there."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.accounts.services import make_token
from apps.archives.devices import Device, list_devices
from apps.archives.dimse.station import Station
from apps.archives.models import Archive, Instance
from apps.archives.services import ensure_archive
from apps.datasets.uploads.services import import_files
from apps.projects.models import Project
from tests.archives.dimse.conftest import LOOPBACK, listening
from tests.conftest import ClientOf
from tests.dicom import WrittenSeries, ct_series
from tests.peers.starting import require

pytestmark = [pytest.mark.peers, pytest.mark.django_db(transaction=True)]
Lines = dict[tuple[str, str], str]
Run = Callable[[str], str]
COMMAND = re.compile(r'<div class="command"><code[^>]*aria-label="([^":]+): [^"]*"[^>]*>(.*?)</code>', re.DOTALL)


@pytest.fixture
def archive(project: Project, tmp_path: Path, settings: Settings) -> Archive:
    require(["echoscu", "storescu", "findscu", "getscu", "curl"], Path(__file__).parent / "packages.txt")
    settings.ARCHIVES_DIR = tmp_path / "archives"
    return ensure_archive(project)


@pytest.fixture
def stored(archive: Archive, alice: User, tmp_path: Path) -> WrittenSeries:
    """What is there already."""
    written = ct_series(tmp_path / "stored", slices=3)
    import_files(archive, written.paths, by=alice)
    return written


@pytest.fixture
def sent(tmp_path: Path) -> WrittenSeries:
    """What the lines send: three files in FOLDER, of which one is IMAGE.dcm as well."""
    written = ct_series(tmp_path / "work" / "FOLDER" / "below", slices=3, patient_id="SENT")
    (tmp_path / "work" / "IMAGE.dcm").write_bytes(written.paths[0].read_bytes())
    return written


@pytest.fixture
def addresses(live_server: LiveServer, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """The portal and its listener, on loopback."""
    with listening(Station(), tmp_path / "arriving") as listener:
        settings.PUBLIC_URL, settings.DIMSE_PORT = live_server.url, listener.port
        yield


@pytest.fixture
def lines(
    addresses: None,
    archive: Archive,
    stored: WrittenSeries,
    sent: WrittenSeries,
    alice: User,
    admin: User,
    client_of: ClientOf,
) -> Lines:
    """By tool and label, from alice's page."""
    list_devices(archive.project, [Device("WORKSTATION", LOOPBACK, may_retrieve=True)], by=admin.pk)
    page = client_of(alice).get("/projects/cardiac-mr/dicom/").content.decode()
    parts = [part.partition("</h3>") for part in page.split('<h3 class="mt-3">')[1:]]
    return {(tool, label): html.unescape(text) for tool, _, part in parts for label, text in COMMAND.findall(part)}


@pytest.fixture
def token(alice: User) -> str:
    return make_token(alice, name="lines", days=1)[1]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """The system's tools, and Python's of the tests' own environment, which has commands of DCMTK's names too."""
    own = tmp_path / "bin"
    own.mkdir()
    for name in ("python3", "dicomweb_client"):
        wrapper = own / name
        wrapper.write_text(f'#!/bin/sh\nexec {Path(sys.executable).parent / name} "$@"\n')
        wrapper.chmod(0o755)
    theirs = [one for one in os.environ["PATH"].split(":") if Path(one) != Path(sys.executable).parent]
    return ":".join([str(own), *theirs])


@pytest.fixture
def run(path: str, token: str, tmp_path: Path) -> Run:
    """Runs a line in a shell; it must succeed. What it says."""

    def act(line: str) -> str:
        environment = {**os.environ, "TOKEN": token, "PATH": path}
        command = ["bash", "-c", line]
        said = subprocess.run(
            command, cwd=tmp_path / "work", env=environment, capture_output=True, timeout=60, check=False
        )
        output = (said.stdout + said.stderr).decode(errors="replace")
        assert said.returncode == 0, f"{line}\n{output}"
        return output

    return act


def sent_uids() -> set[str]:
    found = Instance.objects.filter(series__study__patient__patient_id="SENT")
    return set(found.values_list("sop_instance_uid", flat=True))


def received(folder: Path, but: WrittenSeries) -> set[str]:
    """The SOP Instance UIDs of files that came into it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path not in but.paths]
    return {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in files}


def test_every_tool_has_its_lines(lines: Lines) -> None:
    web, dimse = {"Search", "Store a file", "Fetch a study"}, {"Try the connection", "Send a folder", "Search"}
    wanted = {("curl", label) for label in web} | {("dicomweb-client", label) for label in web}
    wanted |= {(tool, label) for tool in ("DCMTK", "pynetdicom") for label in dimse | {"Fetch a study"}}
    assert set(lines) == wanted | {("3D Slicer", "Python console")}


@pytest.mark.parametrize("tool", ["curl", "dicomweb-client"])
def test_dicomweb_lines(
    tool: str, lines: Lines, stored: WrittenSeries, sent: WrittenSeries, run: Run, tmp_path: Path
) -> None:
    assert stored.study_instance_uid in run(lines[tool, "Search"])
    run(lines[tool, "Store a file"])
    assert sent_uids() == {sent.sop_instance_uids[0]}
    run(lines[tool, "Fetch a study"])
    if tool == "curl":
        body = (tmp_path / "work" / "study.multipart").read_bytes()
        assert all(path.read_bytes() in body for path in stored.paths)
    else:
        assert received(tmp_path / "work" / "FOLDER", sent) == set(stored.sop_instance_uids)


@pytest.mark.parametrize("tool", ["DCMTK", "pynetdicom"])
def test_dimse_lines(
    tool: str, lines: Lines, stored: WrittenSeries, sent: WrittenSeries, run: Run, tmp_path: Path
) -> None:
    run(lines[tool, "Try the connection"])
    run(lines[tool, "Send a folder"])
    assert sent_uids() == set(sent.sop_instance_uids)
    found = run(lines[tool, "Search"])
    assert stored.study_instance_uid in found
    assert sent.study_instance_uid in found
    run(lines[tool, "Fetch a study"])
    assert received(tmp_path / "work" / "FOLDER", sent) == set(stored.sop_instance_uids)


def test_a_tool_of_a_device_that_is_not_listed_is_refused(
    lines: Lines, archive: Archive, admin: User, run: Run
) -> None:
    list_devices(archive.project, [Device("OTHER", LOOPBACK)], by=admin.pk)
    with pytest.raises(AssertionError, match="Calling AE Title Not Recognized"):
        run(lines["DCMTK", "Try the connection"])


def test_the_line_for_slicer_is_one_of_its_library(
    lines: Lines, stored: WrittenSeries, live_server: LiveServer
) -> None:
    line = lines["3D Slicer", "Python console"]
    call = f'importFromDICOMWeb("{live_server.url}/projects/cardiac-mr/dicomweb", "{stored.study_instance_uid}", '
    assert line == f'from DICOMLib import DICOMUtils; DICOMUtils.{call}accessToken="TOKEN")'
