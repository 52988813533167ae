"""Every file inside the pydicom package that an archive takes: its export answers as the service does."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from apps.archives.models import Archive, Instance
from apps.archives.services import IncomingFile, store_files
from apps.archives.static.identity import instance_address
from tests.archives.dicom_files import ALL_FILES
from tests.archives.dicomweb import Service, body_of, parts_of
from tests.archives.static_export.site import Site
from tests.archives.test_archive_command import run

MULTIPART = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


def test_exported_and_served_are_the_same(service: Service, archive: Archive, tmp_path: Path) -> None:
    exported = 0
    for number, path in enumerate(ALL_FILES):
        # Some of the files share their UIDs.
        own = Archive.objects.create(project=archive.project, name=f"file-{number}")
        if store_files(own, [IncomingFile(_linked(path, tmp_path))], by=None)[0].is_refused:
            continue
        service.root = f"/projects/cardiac-mr/archives/{own.name}/dicomweb"
        there = Site(tmp_path / own.name)
        _, err = run("export", "cardiac-mr", str(there.root), "--archive", own.name)
        assert err == ""
        _compare(service, there, Instance.objects.select_related("series__study").get(archive=own), path)
        exported += 1
    assert exported > 130


def _linked(path: Path, folder: Path) -> Path:
    copy = folder / "incoming.dcm"
    copy.write_bytes(path.read_bytes())
    return copy


def _compare(service: Service, site: Site, instance: Instance, path: Path) -> None:
    series = instance.series
    at = instance_address(series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid)
    assert site.whole(at) == path.read_bytes()
    (served,) = json.loads(body_of(service.get(f"{at}/metadata")))
    (exported,) = site.json(f"{at}/metadata")
    ours, theirs = _bulk(served, ""), _bulk(exported, "")
    assert ours.keys() == theirs.keys()
    for name, address in theirs.items():
        answer = service.get(ours[name].partition(service.root + "/")[2], MULTIPART)
        assert [content for _, content in parts_of(answer)] == [
            content for _, content in site.parts(urljoin(f"{at}/metadata", address))
        ], (path.name, name)
    if (site.root / at / "frames").exists():
        for number in {1, instance.number_of_frames}:
            answer = service.get(f"{at}/frames/{number}", MULTIPART)
            assert parts_of(answer) == site.parts(f"{at}/frames/{number}"), path.name


def _bulk(data_set: dict[str, Any], prefix: str) -> dict[str, str]:
    """Addresses of bulk values by where they stand."""
    found = {}
    for tag, element in data_set.items():
        if "BulkDataURI" in element:
            found[f"{prefix}{tag}"] = element["BulkDataURI"]
        for position, item in enumerate(element.get("Value", []) if element["vr"] == "SQ" else []):
            found.update(_bulk(item, f"{prefix}{tag}/{position}/"))
    return found
