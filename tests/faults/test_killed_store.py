"""The web server is killed while images are stored: what was acknowledged is there, nothing is half there."""

import os
import signal
import threading
from pathlib import Path

import pytest
import requests

from tests.dicom import WrittenSeries, ct_series
from tests.portal import ADMINISTRATOR, Portal, running_portal
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
TYPE = 'multipart/related; type="application/dicom"; boundary=part'


def test_a_killed_web_server_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    series = ct_series(tmp_path / "ct", slices=120, rows=64, columns=64)
    with running_portal(tmp_path / "var") as portal:
        token = {"Authorization": f"Bearer {portal.manage('api_token', ADMINISTRATOR)}"}
        acknowledged: list[str] = []
        sender = threading.Thread(target=_send, args=(portal, token, series, acknowledged))
        sender.start()
        wait_until(lambda: len(acknowledged) >= 20)
        _kill_web(portal)
        sender.join(60)
        assert 20 <= len(acknowledged) < len(series.paths)
        wait_until(portal._answers, 30)
        stored = {uid for (uid,) in portal.rows("SELECT sop_instance_uid FROM archives_instance")}
        assert set(acknowledged) <= stored
        assert portal.manage("archive", "verify", "sample")
        sent_again: list[str] = []
        _send(portal, token, series, sent_again)
        assert sent_again == list(series.sop_instance_uids)
        assert portal.manage("archive", "verify", "sample")


def _send(portal: Portal, token: dict[str, str], series: WrittenSeries, acknowledged: list[str]) -> None:
    """Stores one object a request, and notes those that were acknowledged; ends with the first lost answer."""
    for path, sop_instance_uid in zip(series.paths, series.sop_instance_uids, strict=True):
        body = b"--part\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n--part--\r\n"
        try:
            answer = requests.post(
                f"{portal.url}/projects/sample/dicomweb/studies",
                data=body,
                headers={**token, "Content-Type": TYPE},
                timeout=30,
            )
        except requests.RequestException:
            return
        if answer.ok:
            acknowledged.append(sop_instance_uid)


def _kill_web(portal: Portal) -> None:
    """The web server's whole process group at once, as when the machine's memory runs out."""
    web = portal.processes()["web"]
    os.killpg(web, signal.SIGKILL)
