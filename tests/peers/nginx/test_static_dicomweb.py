"""The commands of docs/administrators.md that export images, and the real dicomweb-client on what nginx serves then."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from tests.documented import adapted, blocks
from tests.peers.nginx import running_site, surroundings
from tests.peers.starting import throwaway_folder
from tests.portal import ADMINISTRATOR, REPOSITORY, Portal, free_port, running_portal

pytestmark = pytest.mark.peers


@dataclass
class Sides:
    """The same images at the portal and in the folder behind nginx, whose documents have no other addresses."""

    portal: DICOMwebClient
    static: DICOMwebClient
    root: Path

    def both(self, ask: str, *uids: str, **options: Any) -> tuple[Any, Any]:
        ours, theirs = (getattr(side, ask)(*uids, **options) for side in (self.portal, self.static))
        return ours, theirs


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    var = tmp_path_factory.mktemp("portal") / "var"
    with running_portal(var, SAMPLE_PROJECT="true") as portal, throwaway_folder() as folder:
        port = free_port()
        _export(portal, folder, port)
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {portal.manage('api_token', ADMINISTRATOR)}"
        with running_site(folder, port) as static:
            ours = DICOMwebClient(f"{portal.url}/projects/sample/dicomweb", session=session)
            yield Sides(ours, DICOMwebClient(static), folder / "sample")


def _export(portal: Portal, folder: Path, port: int) -> None:
    """As documented, in this folder."""
    (script,) = blocks(__file__)
    here = {
        "export cardiac-mr /srv/exports/cardiac-mr": f"export sample {folder}/sample --url http://127.0.0.1:{port}",
        "/srv/exports/cardiac-mr": f"{folder}/sample",
        "127.0.0.1:8085": f"127.0.0.1:{port}",
        "/etc/nginx/conf.d/cardiac-mr.conf": f"{folder}/maia.conf",
        "/opt/maia": str(REPOSITORY),
        "nginx -t": f"nginx -t -p {folder} -c {folder}/nginx.conf -e {folder}/nginx.log",
    }
    (folder / "nginx.conf").write_text(surroundings(folder))
    script = adapted(script, here)
    done = subprocess.run(
        ["bash", "-c", script], cwd=REPOSITORY, env=portal.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr


def _series(sides: Sides) -> list[tuple[str, str]]:
    found = sides.portal.search_for_series()
    return [(one["0020000D"]["Value"][0], one["0020000E"]["Value"][0]) for one in found]


def _same(sides: Sides, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """But for the root of addresses, and the address of the pixels, which are the one frame."""
    text = repr(ours).replace(sides.portal.base_url, sides.static.base_url)
    return text.replace("bulkdata/7FE00010", "frames/1") == repr(theirs)


def test_it_searches(sides: Sides) -> None:
    for ask, *uids in (
        ("search_for_studies",),
        ("search_for_series",),
        ("search_for_instances",),
        *(("search_for_series", study) for study, _ in _series(sides)),
        *(("search_for_instances", *one) for one in _series(sides)),
    ):
        ours, theirs = sides.both(ask, *uids)
        assert theirs
        assert _same(sides, ours, theirs), ask


def test_it_chooses_series_by_modality_or_uid(sides: Sides) -> None:
    _, series = _series(sides)[-1]
    modalities = {one["00080060"]["Value"][0] for one in sides.portal.search_for_series()}
    assert len(modalities) > 1
    for name, value in (("SeriesInstanceUID", series), *(("Modality", modality) for modality in modalities)):
        ours, theirs = sides.both("search_for_series", search_filters={name: value})
        assert 0 < len(theirs) < len(_series(sides))
        assert _same(sides, ours, theirs), value
    for name, value in (("SeriesInstanceUID", "1.2.3"), ("Modality", "XX")):
        assert sides.both("search_for_series", search_filters={name: value}) == ([], [])
    for odd in ("Modality=../../.export/lock%23", "Modality=C*", "SeriesInstanceUID=..%2F..", "limit=1"):
        answer = requests.get(f"{sides.static.base_url}/series?{odd}", timeout=5)
        assert len(answer.json()) == len(_series(sides)), odd


def test_it_reads_metadata_objects_frames_and_bulk_values(sides: Sides) -> None:
    for study, series in _series(sides):
        assert _same(sides, *sides.both("retrieve_study_metadata", study))
        ours, theirs = sides.both("retrieve_series_metadata", study, series)
        assert _same(sides, ours, theirs)
        for metadata, exported in list(zip(ours, theirs, strict=True))[:3]:
            uid = metadata["00080018"]["Value"][0]
            assert _same(sides, *sides.both("retrieve_instance_metadata", study, series, uid))
            whole = sides.both("retrieve_instance", study, series, uid)
            assert _bytes(whole[0]) == _bytes(whole[1])
            number = metadata.get("00280008", {}).get("Value", [1])[0]
            frames = sides.both("retrieve_instance_frames", study, series, uid, [number])
            assert frames[0] == frames[1]
            values = [
                side.retrieve_bulkdata(one["7FE00010"]["BulkDataURI"])
                for side, one in ((sides.portal, metadata), (sides.static, exported))
            ]
            assert values[0] == values[1]


def _bytes(data_set: pydicom.Dataset) -> bytes:
    output = BytesIO()
    pydicom.dcmwrite(output, data_set)
    return output.getvalue()


def test_answers_name_type_and_boundary(sides: Sides) -> None:
    base = sides.static.base_url
    study, series = _series(sides)[0]
    at = f"{base}/studies/{study}/series/{series}"
    packed = requests.get(f"{base}/studies?limit=1", timeout=5)
    assert packed.headers["Content-Type"] == "application/dicom+json"
    assert packed.headers["Content-Encoding"] == "gzip"
    plain = requests.get(f"{base}/studies", headers={"Accept-Encoding": "identity"}, timeout=5)
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == packed.json()
    uid = sides.static.search_for_instances(study, series)[0]["00080018"]["Value"][0]
    for path, kind in ((f"instances/{uid}", "application/dicom"), (f"instances/{uid}/frames/1", "application/octet-")):
        answer = requests.get(f"{at}/{path}", timeout=5)
        assert answer.headers["Content-Type"].startswith(f'multipart/related; type="{kind}')
        assert answer.content.startswith(f"--{answer.headers['Content-Type'].rpartition('=')[2]}\r\n".encode())
    assert requests.get(f"{at}/thumbnail", timeout=5).headers["Content-Type"] == "image/jpeg"


def test_nothing_else_is_served(sides: Sides) -> None:
    study, series = _series(sides)[0]
    notes = next((sides.root / ".export" / "notes").iterdir()).name
    for path in (
        "",
        ".export/lock",
        f".export/notes/{notes}",
        "studies/",
        "studies.json.gz",
        f"studies/{study}/series/{series}/../../../../.export/lock",
        "studies/1.2.3/metadata",
    ):
        assert requests.get(f"{sides.static.base_url}/{path}", timeout=5).status_code == 404, path
