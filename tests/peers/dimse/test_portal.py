"""The listener beside a portal, with DCMTK: a kill loses nothing that was acknowledged, and leaves nothing half."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dicom import ct_series
from tests.peers.starting import LOOPBACK, require
from tests.portal import Portal, free_port, running_portal
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.faults]
TITLES = ["-aet", "SCANNER", "-aec", "SAMPLE"]
COUNT = """SELECT count(*) FROM archives_instance i JOIN archives_series s ON s.id = i.series_id
WHERE s.series_instance_uid = ?"""


@pytest.fixture
def dimse_port() -> int:
    return free_port()


@pytest.fixture
def portal(tmp_path: Path, dimse_port: int) -> Iterator[Portal]:
    require(["storescu"], Path(__file__).parent / "packages.txt")
    with running_portal(tmp_path / "var", DIMSE_PORT=str(dimse_port)) as portal:
        portal.manage("dicom_devices", "sample", "--allow", f"SCANNER={LOOPBACK}")
        yield portal


def dcmtk(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The system's command: Python's environment has some of these names too."""
    command = [f"/usr/bin/{tool}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_what_was_acknowledged_before_a_kill_is_there_and_the_rest_comes_again(
    portal: Portal, dimse_port: int, tmp_path: Path
) -> None:
    where = [*TITLES, LOOPBACK, str(dimse_port)]
    wait_until(lambda: dcmtk("echoscu", *where).returncode == 0, 30)
    series = ct_series(tmp_path / "source", slices=60, rows=256, columns=256)

    def stored() -> int:
        return int(portal.rows(COUNT, series.series_instance_uid)[0][0])

    command = ["/usr/bin/storescu", "-v", *where, *map(str, series.paths)]
    with (tmp_path / "said").open("w") as said, subprocess.Popen(command, stderr=said, stdout=said) as sending:
        wait_until(lambda: stored() > 5, 60)
        killed = portal.processes()["dimse"]
        os.kill(killed, signal.SIGKILL)
        assert sending.wait(60) != 0
    acknowledged = (tmp_path / "said").read_text().count("Received Store Response (Success)")
    assert 5 <= acknowledged <= stored() < 60
    wait_until(lambda: dcmtk("echoscu", *where).returncode == 0, 30)
    assert portal.processes()["dimse"] != killed
    assert list((portal.var / "tmp" / "dimse").iterdir()) == []
    assert dcmtk("storescu", *where, *series.paths).returncode == 0
    assert stored() == 60
    assert "unchanged" in portal.manage("archive", "verify", "sample")
