"""The portal's DICOMweb endpoint, pages and upload over a real Orthanc, as over the built-in store."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings as portal
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Archive, Instance, Series, Study
from apps.archives.services import ensure_archive, refresh
from apps.archives.verification import verify
from apps.projects.models import Project
from tests.archives.dicom_files import ALL_FILES, packaged
from tests.archives.dicomweb import Service, body_of, failures, parts_of
from tests.archives.sides import Remote
from tests.archives.test_dicomweb_client import (  # noqa: F401 - the tests of the built-in store, here too
    series,
    stored,
    test_it_retrieves_encapsulated_frames,
    test_it_retrieves_frames,
    test_it_retrieves_metadata_and_bulk_values,
    test_it_retrieves_rendered_pictures,
    test_it_retrieves_whole_objects,
    test_it_stores_and_finds,
    web,
)

pytestmark = [pytest.mark.peers, pytest.mark.django_db(transaction=True)]
HEAD_CT = portal.SAMPLES_DIR / "images" / "head-ct.zip"


@pytest.fixture
def archive(remote: Remote) -> Archive:
    return remote.archive


def test_every_packaged_file_comes_back_bit_exact_or_is_refused(
    remote: Remote, archive: Archive, service: Service
) -> None:
    outcomes = Counter(_round_trip(remote, archive, service, path) for path in ALL_FILES)
    assert set(outcomes) == {"bit-exact", "refused"}
    assert outcomes["bit-exact"] > 130


def _round_trip(remote: Remote, archive: Archive, service: Service, path: Path) -> str:
    """Leaves the archive empty, since some of the files share their UIDs."""
    content = path.read_bytes()
    response = service.store([content])
    if response.status_code != 200:
        assert response.status_code == 409, path
        ((_, sentence),) = failures(response)
        assert sentence.endswith(".")
        assert remote.api.count() == 0
        return "refused"
    instance = Instance.objects.select_related("archive", "series__study").get()
    study, series_ = instance.series.study.study_instance_uid, instance.series.series_instance_uid
    address = f"studies/{study}/series/{series_}/instances/{instance.sop_instance_uid}"
    assert body_of(service.get(address, "application/dicom")) == content, path
    assert list(verify(archive)) == []
    remote.api.delete(instance.remote_name)
    assert refresh(archive)
    assert Study.objects.count() == 0
    return "bit-exact"


def test_the_head_ct_is_uploaded_and_shown(
    remote: Remote, archive: Archive, alice: User, client: Client, service: Service
) -> None:
    client.force_login(alice)
    with HEAD_CT.open("rb") as file:
        answer = client.post("/projects/cardiac-mr/data/upload/", {"files": [file]}, headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert client.get(answer["Location"]).status_code == 200
    head = Series.objects.order_by("-instance_count").first()
    assert head is not None
    assert remote.api.count() == Instance.objects.count() >= head.instance_count > 20
    for page in ("", f"studies/{head.study.study_instance_uid}/", f"series/{head.series_instance_uid}/"):
        response = client.get(f"/projects/cardiac-mr/data/{page}")
        assert response.status_code == 200
        _shows_no_secret(response.content, archive)
    place = f"studies/{head.study.study_instance_uid}/series/{head.series_instance_uid}"
    found = service.search(f"{place}/instances")
    assert len(found) == head.instance_count
    for one in found[:3]:
        address = f"{place}/instances/{one['00080018']['Value'][0]}"
        assert len(parts_of(service.get(f"{address}/frames/1"))) == 1
        assert body_of(service.get(f"{address}/frames/1/rendered", "image/png")).startswith(b"\x89PNG")
    assert list(verify(archive)) == []


def _shows_no_secret(page: bytes, archive: Archive) -> None:
    server = archive.server
    assert server.password.encode() not in page
    assert server.address.encode() not in page


def test_frames_equal_those_of_the_built_in_store(
    archive: Archive, project: Project, alice: User, service: Service
) -> None:
    built_in = Archive.objects.create(project=project, name="images")
    names = ("CT_small.dcm", "SC_rgb_rle_2frame.dcm", "JPEG2000.dcm", "MR_small_bigendian.dcm", "liver_1frame.dcm")
    there = Service(service.client, service.headers, f"/projects/cardiac-mr/archives/{built_in.name}/dicomweb")
    for side in (service, there):
        for name in names:
            assert side.store([packaged(name).read_bytes()]).status_code == 200
    rows = Instance.objects.filter(archive=archive).select_related("series__study")
    assert rows.count() == len(names)
    for instance in rows:
        study, series_ = instance.series.study.study_instance_uid, instance.series.series_instance_uid
        address = f"studies/{study}/series/{series_}/instances/{instance.sop_instance_uid}/frames/1"
        for accept in ("", 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'):
            mine, theirs = (parts_of(side.get(address, accept)) for side in (service, there))
            assert mine == theirs
        pictures = [body_of(side.get(f"{address}/rendered", "image/png")) for side in (service, there)]
        assert pictures[0] == pictures[1]


def test_an_empty_project_says_so(archive: Archive, alice: User, client: Client, service: Service) -> None:
    client.force_login(alice)
    assert client.get("/projects/cardiac-mr/data/").status_code == 200
    assert service.search("studies") == []
    assert ensure_archive(archive.project) == archive
