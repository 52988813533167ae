"""The index follows the real Orthanc, and what came into that by DIMSE."""

import subprocess
from pathlib import Path

import pytest

from apps.archives.models import Archive, Instance, Study
from apps.archives.services import ensure_remote_archive, refresh
from apps.archives.verification import verify
from apps.audit.models import Entry
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.refresh.conftest import archive
from tests.archives.refresh.test_following import *  # noqa: F403
from tests.archives.refresh.test_interrupted import *  # noqa: F403
from tests.archives.refresh.test_skipped import *  # noqa: F403
from tests.archives.refresh.test_who_stored import *  # noqa: F403
from tests.archives.sides import Remote
from tests.dicom import ct_series
from tests.peers.orthanc import HERE, Orthanc, running_orthanc
from tests.peers.orthanc.conftest import remote
from tests.peers.starting import LOOPBACK, require, throwaway_folder

__all__ = ["archive", "remote"]  # instead of the twin
pytestmark = pytest.mark.peers


def test_what_came_by_dimse_is_indexed_and_audited(own_orthanc: Orthanc, archive: Archive, tmp_path: Path) -> None:
    require(["storescu"], HERE / "packages.txt")
    series = ct_series(tmp_path / "source", slices=3)
    called = ["-aec", own_orthanc.ae_title, LOOPBACK, str(own_orthanc.dicom_port)]
    subprocess.run(["storescu", "-aet", "SCANNER7", *called, *map(str, series.paths)], check=True, timeout=30)
    assert refresh(archive)
    assert Instance.objects.count() == 3
    entry = Entry.objects.get(action="images.arrived")
    assert entry.subject_pk == Study.objects.get().pk
    assert entry.actor_pk is None
    assert entry.detail == {
        "instances": 3,
        "study_instance_uid": series.study_instance_uid,
        "origin": "DicomProtocol",
        "calling_ae_title": "SCANNER7",
        "remote_ip": LOOPBACK,
    }
    assert list(verify(archive)) == []


def test_another_orthanc_in_its_place_is_indexed_anew(
    remote: Remote, archive: Archive, project: Project, tmp_path: Path
) -> None:
    first, second = ct_series(tmp_path / "1", slices=3), ct_series(tmp_path / "2", slices=2)
    for path in first.paths:
        remote.api.store(path)
    assert refresh(archive)
    with throwaway_folder() as folder, running_orthanc(folder) as other:
        same = ensure_remote_archive(project, route=Route(other.url), username=other.user, password=other.password)
        assert same == archive
        api = Remote(archive, type(remote.api)(Route(other.url), *other.credentials)).api
        for path in (*second.paths, first.paths[0]):
            api.store(path)
        assert refresh(archive)
        assert dict(Study.objects.values_list("study_instance_uid", "instance_count")) == {
            first.study_instance_uid: 1,
            second.study_instance_uid: 2,
        }
        assert list(verify(archive)) == []
