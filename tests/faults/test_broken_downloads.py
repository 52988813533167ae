"""A download through the real web server: flat in memory, and never a short file that looks whole."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.archives.dicom_files import image, save
from tests.portal import ADMINISTRATOR, Portal, running_portal

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
MIB = 1024**2
OBJECTS, OBJECT_MIB = 6, 24


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with running_portal(tmp_path_factory.mktemp("downloads") / "var") as started:
        yield started


@pytest.fixture(scope="module")
def headers(portal: Portal) -> dict[str, str]:
    return {"Authorization": f"Bearer {portal.manage('api_token', ADMINISTRATOR)}"}


@pytest.fixture(scope="module")
def study(portal: Portal, headers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a study whose objects together are larger than the web server may become."""
    path = tmp_path_factory.mktemp("objects") / "object.dcm"
    pixels = np.zeros((OBJECT_MIB, 512, 1024), np.uint16)
    for number in range(OBJECTS):
        uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "SOPInstanceUID": f"1.2.3.4.{number}"}
        save(image(pixels, InstanceNumber=number, **uids), path)
        body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n--b--\r\n"
        answer = requests.post(
            f"{portal.url}/projects/sample/dicomweb/studies",
            data=body,
            headers={**headers, "Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
            timeout=120,
        )
        assert answer.status_code == 200, answer.text
    return f"{portal.url}/projects/sample/dicomweb/studies/1.2.3?accept=application/zip"


def resident_bytes(portal: Portal) -> int:
    """The most that any process of the web server has had in memory."""
    web = portal.processes()["web"]
    workers = Path(f"/proc/{web}/task/{web}/children").read_text().split()
    peaks = [
        line for pid in workers for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line
    ]
    return max(int(line.split()[1]) * 1024 for line in peaks)


def test_a_study_goes_through_little_memory(portal: Portal, study: str, headers: dict[str, str]) -> None:
    before = resident_bytes(portal)
    with requests.get(study, headers=headers, stream=True, timeout=60) as answer:
        length = sum(map(len, answer.iter_content(MIB)))
        assert length == int(answer.headers["Content-Length"]) > OBJECTS * OBJECT_MIB * MIB
    assert resident_bytes(portal) - before < 16 * MIB


def test_a_download_that_fails_midway_is_seen_to_be_broken(portal: Portal, study: str, headers: dict[str, str]) -> None:
    received = io.BytesIO()
    with requests.get(study, headers=headers, stream=True, timeout=60) as answer:
        assert answer.status_code == 200
        chunks = answer.iter_content(MIB)
        received.write(next(chunks))
        for path in (portal.var / "archives").rglob("*.dcm"):
            path.unlink()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            received.writelines(chunks)
    assert OBJECTS * OBJECT_MIB * MIB > len(received.getvalue()) > 0
    assert not zipfile.is_zipfile(received)
