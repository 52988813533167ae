"""What the index cannot take is skipped with its reason, and the rest comes in."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pytest_django.fixtures import Settings

from apps.archives import receiving, services
from apps.archives.models import Archive, Instance, Patient, SkippedObject
from apps.archives.services import refresh
from apps.integrations.kubernetes.route import Route
from apps.projects.models import Project
from tests.archives.dicom_files import changed
from tests.archives.refresh.conftest import counts, fetched_again, put
from tests.archives.sides import Remote
from tests.dicom import ct_series
from tests.integrations.orthanc import PASSWORD, USERNAME, name_of, running_twin


def test_what_the_index_cannot_take_is_skipped_with_its_reason(
    remote: Remote, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = ct_series(tmp_path / "1", slices=1).paths
    put(remote, path)
    refresh(archive)
    foreign = changed(path, tmp_path / "foreign.dcm", PatientID="OTHER", SOPInstanceUID="1.2.3.4")
    double = changed(path, tmp_path / "double.dcm", PatientID="OTHER")
    put(remote, foreign, double)
    assert refresh(archive)
    sentences = dict(SkippedObject.objects.values_list("remote_name", "sentence"))
    assert "another patient" in sentences[name_of(foreign.read_bytes())]
    assert "SOPInstanceUID" in sentences[name_of(double.read_bytes())]
    assert counts() == (1, 1, 1, 1)
    with monkeypatch.context() as patched:
        patched.setattr(receiving, "_downloaded", fetched_again)
        assert refresh(archive)
    remote.api.delete(name_of(foreign.read_bytes()))
    assert refresh(archive)
    assert SkippedObject.objects.count() == 1


def test_what_was_skipped_is_taken_once_it_fits(remote: Remote, archive: Archive, tmp_path: Path) -> None:
    (path,) = ct_series(tmp_path / "1", slices=1).paths
    foreign = changed(path, tmp_path / "foreign.dcm", PatientID="OTHER", SOPInstanceUID="1.2.3.4")
    (first, second) = put(remote, path, foreign)
    refresh(archive)
    assert SkippedObject.objects.get().remote_name == second
    remote.api.delete(first)
    remote.api.delete(second)
    put(remote, foreign)
    assert refresh(archive)
    assert SkippedObject.objects.count() == 0
    assert Patient.objects.get().patient_id == "OTHER"


@pytest.mark.attacks
def test_what_no_reader_understands_is_skipped_and_the_rest_comes_in(
    project: Project, tmp_path: Path, settings: Settings
) -> None:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    good = ct_series(tmp_path / "good", slices=2)
    bomb = pydicom.dcmread(good.paths[0])
    bomb.SOPInstanceUID = "1.2.3.4.5"
    bomb.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    bomb.PixelData = bytes(600 * 1024**2)
    bomb.save_as(tmp_path / "bomb.dcm", enforce_file_format=True)
    with running_twin() as twin:
        archive = services.ensure_remote_archive(project, route=Route(twin.url), username=USERNAME, password=PASSWORD)
        refresh(archive)
        for body in ((tmp_path / "bomb.dcm").read_bytes(), *(path.read_bytes() for path in good.paths)):
            twin.put(body)
        twin.objects[name_of(good.paths[1].read_bytes())] = b"junk"
        assert refresh(archive)
    assert Instance.objects.get().sop_instance_uid == good.sop_instance_uids[0]
    sentences = sorted(SkippedObject.objects.values_list("sentence", flat=True))
    assert len(sentences) == 2
    assert any("512 MiB" in sentence for sentence in sentences)
